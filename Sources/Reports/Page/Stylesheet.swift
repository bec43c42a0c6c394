/// The look of a page: one column of text, quiet colours, figures in a grid that folds to one column on a phone.
enum Stylesheet {
  static let text = """
    :root{color-scheme:light dark;--paper:#fff;--raised:#f7f7f5;--ink:#1c1d20;--quiet:#5a5e66;--rule:#dfdfdb;--grid:#ececea;
    --link:#0b57a4;--bad:#a8322a;--doubt:#8a5a00;--good:#1c6b45;--s0:#0072b2;--s1:#c24e00;--s2:#007a5a;--s3:#a8487f;--s4:#9a6a00;--s5:#2f7fb5;
    --convolution:#0072b2;--pool:#007a5a;--skip:#c24e00;--noise:#a8487f;--zero:#6b6b6b;--void:#c9c9c6}
    @media (prefers-color-scheme:dark){:root{--paper:#131417;--raised:#1b1d21;--ink:#e8e8ea;--quiet:#a4a8b0;--rule:#33363c;
    --grid:#26282d;--link:#8cc1f5;--bad:#f0938b;--doubt:#e0b54d;--good:#79cfa4;--s0:#5bb4ec;--s1:#f0915a;--s2:#4fc79f;--s3:#e69ac6;--s4:#e0b54d;
    --s5:#9bcdf0;--convolution:#5bb4ec;--pool:#4fc79f;--skip:#f0915a;--noise:#e69ac6;--zero:#a4a4a4;--void:#4a4c50}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;scroll-behavior:smooth;scroll-padding-top:3.4rem}
    body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 "Inter","Source Sans 3","Segoe UI",system-ui,
    -apple-system,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
    header.top,main,footer{max-width:74rem;margin:0 auto;padding:0 1.5rem}
    header.top{padding-top:3rem}
    h1,h2,h3{font-family:"Source Serif 4","Iowan Old Style","Palatino Linotype",Palatino,Georgia,serif;font-weight:600;
    line-height:1.2;letter-spacing:-.01em;text-wrap:balance}
    h1{font-size:clamp(1.7rem,4.5vw,2.6rem);margin:0 0 .4rem}
    h2{font-size:1.5rem;margin:0 0 1rem}
    h3{font-size:1.1rem;margin:1.8rem 0 .5rem}
    p{margin:.4rem 0 .9rem;max-width:46rem}
    .kicker{color:var(--quiet);font-size:.8rem;letter-spacing:.08em;text-transform:uppercase;margin:0 0 .6rem}
    .lead{font-size:1.08rem;color:var(--quiet)}
    .note{color:var(--quiet);font-size:.88rem}
    a{color:var(--link);text-underline-offset:.15em}
    nav{position:sticky;top:0;background:var(--paper);border-bottom:1px solid var(--rule);z-index:5;margin-top:1.4rem}
    nav ul{max-width:74rem;margin:0 auto;padding:.55rem 1.5rem;display:flex;gap:1.3rem;overflow-x:auto;list-style:none;
    white-space:nowrap;font-size:.88rem;scrollbar-width:none}
    nav a{text-decoration:none;color:var(--quiet)}
    nav a:hover{color:var(--ink);text-decoration:underline}
    section{padding:2.2rem 0 1.2rem;border-bottom:1px solid var(--rule)}
    section:last-child{border-bottom:0}
    .facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.6rem,1fr));gap:1.1rem 1.6rem;margin:0 0 1.4rem}
    .facts div{border-top:2px solid var(--rule);padding-top:.5rem;display:flex;flex-direction:column-reverse;
    justify-content:flex-end}
    .facts dt{color:var(--quiet);font-size:.8rem;line-height:1.3}
    .facts dd{margin:0;font-size:1.5rem;font-weight:600;letter-spacing:-.02em}
    .verdict{font-size:1.25rem;font-weight:600;color:var(--good);margin:.2rem 0 .6rem}
    .verdict.bad{color:var(--bad)}.verdict.doubt{color:var(--doubt)}
    pre{background:var(--raised);border-radius:6px;padding:.75rem .9rem;font:.78rem/1.5 "JetBrains Mono",ui-monospace,SFMono-Regular,
    Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0 1rem;max-height:24rem;
    overflow:auto}
    pre.account{white-space:pre;overflow-wrap:normal}
    .panels,.cells{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:1.4rem 2rem;
    margin:.6rem 0 1.2rem}
    .cells{grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}
    figure{margin:0;min-width:0}
    figcaption{font-size:.88rem;font-weight:600;margin-bottom:.35rem}
    .landscape figcaption{font-weight:400;color:var(--quiet)}
    .landscape figcaption b{color:var(--ink);font-size:1rem}
    svg{display:block;width:100%;height:auto;overflow:visible}
    svg text{font-family:inherit;fill:var(--quiet)}
    svg:focus-visible,[tabindex]:focus-visible,summary:focus-visible,a:focus-visible,input:focus-visible+label{outline:2px solid var(--link);
    outline-offset:3px;border-radius:3px}
    svg.chart,svg.plane,svg.heat{touch-action:pan-y;cursor:crosshair}
    .chart text{font-size:12.5px}
    .plane text{font-size:38px}
    .end{text-anchor:end}.middle{text-anchor:middle}
    .grid{stroke:var(--grid)}.mark,.axis{stroke:var(--quiet);stroke-width:.8}
    .grid,.mark,.axis,.line,.swatch path,.plane .frame,.way path,.centre,.least{fill:none}
    .line,.swatch path{stroke:var(--s);stroke-width:2;stroke-linejoin:round}
    .series circle{fill:var(--s)}
    .series circle.lit{stroke:var(--ink);stroke-width:2;r:5px}
    .band{fill:var(--s);opacity:.16}
    .s0{--s:var(--s0)}.s1{--s:var(--s1)}.s2{--s:var(--s2)}.s3{--s:var(--s3)}.s4{--s:var(--s4)}.s5{--s:var(--s5)}
    .s1 .line,path.s1{stroke-dasharray:7 3}.s2 .line,path.s2{stroke-dasharray:2 3}.s3 .line,path.s3{stroke-dasharray:9 3 2 3}
    .s4 .line,path.s4{stroke-dasharray:12 4}.s5 .line,path.s5{stroke-dasharray:4 2}
    .d1 .line,path.d1{stroke-width:1.2}.d2 .line,path.d2{stroke-width:3}
    .cross{stroke:var(--ink);stroke-width:1;opacity:.45;visibility:hidden}
    .cross.on{visibility:visible}
    .legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;margin:.3rem 0 .8rem;padding:0;font-size:.82rem;
    color:var(--quiet)}
    .legend li{display:flex;align-items:center;gap:.4rem;min-width:0;overflow-wrap:anywhere}
    .swatch{width:26px;flex:none}
    .chip{width:.75rem;height:.75rem;border-radius:3px;background:var(--k)}
    .convolution{--k:var(--convolution)}.pool{--k:var(--pool)}.skip{--k:var(--skip)}.noise{--k:var(--noise)}.zero{--k:var(--zero)}
    .void{fill:var(--void)}
    .edges{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,12.5rem),1fr));gap:.9rem 1.4rem}
    .edge-strip{min-width:0}
    .edge-name{margin:0;font-size:.78rem;color:var(--quiet)}
    .strip{display:flex;gap:.45rem;align-items:stretch}
    .strip .operations{list-style:none;margin:0;padding:0;flex:none;font-size:.68rem;line-height:14px;color:var(--quiet);
    min-width:2.4rem}
    .strip .operations li{height:14px;white-space:nowrap}
    .heat-box{flex:1;min-width:0;position:relative}
    svg.heat{position:absolute;inset:0;width:100%;height:100%}
    .strips{margin-bottom:1.8rem}
    .cursor{fill:none;stroke:#fff;stroke-width:2;visibility:hidden;paint-order:stroke}
    .plane .cursor{stroke-width:7}
    .cursor.on{visibility:visible}
    .contour{fill:none;stroke:#fff;stroke-width:2.5}.contour.halo{stroke-width:5;opacity:.35}
    .dark .contour{stroke:#333}.dark .contour.halo{stroke:#fff}
    .plate{fill:rgba(0,0,0,.7)}.level{fill:#fff;font-size:34px}
    .plane .frame{stroke:var(--quiet);stroke-width:2}
    .centre,.least{stroke:#fff;stroke-width:6}
    .halo{stroke:#000;stroke-width:13;opacity:.6}
    .way path{stroke:#fff;stroke-width:5}.way circle{fill:#fff;stroke:#000;stroke-width:2}
    .w1 path{stroke-dasharray:16 8}.w2 path{stroke-dasharray:4 8}
    .bar{display:flex;align-items:center;gap:.5rem;font-size:.78rem;color:var(--quiet);margin:.35rem 0}
    .bar svg{flex:1;height:.6rem;min-width:2rem;max-width:16rem}
    .bar span{white-space:nowrap}
    .scaled input{position:absolute;opacity:0;width:1px;height:1px}
    .switch-title{font-size:.85rem;color:var(--quiet);margin-right:.7rem}
    .scaled label{display:inline-block;border:1px solid var(--rule);padding:.3rem .8rem;font-size:.85rem;cursor:pointer}
    .scaled label:first-of-type{border-radius:6px 0 0 6px}
    .scaled label:last-of-type{border-radius:0 6px 6px 0;border-left:0}
    .scaled input:checked+label{background:var(--ink);color:var(--paper);border-color:var(--ink)}
    .scaled .own{display:none}
    .choose-own:checked~* .own{display:inline}
    .choose-own:checked~.bar.own,.choose-own:checked~* .bar.own{display:flex}
    .choose-own:checked~.shared,.choose-own:checked~* .shared{display:none}
    .landscape .panels{grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));margin-top:1rem}
    .scaled figure.strips{margin-top:1.2rem}
    .turn{max-width:52rem;margin:.4rem 0 1.2rem}
    .turn[hidden]{display:none}
    .turn canvas{display:block;width:100%;height:clamp(19rem,62vw,33rem);touch-action:pan-y;cursor:grab}
    .turn canvas:active{cursor:grabbing}
    .choices{display:flex;flex-wrap:wrap;gap:.4rem;margin:.5rem 0}
    .choices button{font:inherit;font-size:.85rem;color:var(--ink);background:var(--paper);border:1px solid var(--rule);border-radius:6px;
    padding:.3rem .8rem;cursor:pointer}
    .choices button[aria-pressed=true]{background:var(--ink);color:var(--paper);border-color:var(--ink)}
    button:focus-visible{outline:2px solid var(--link);outline-offset:3px}
    svg.cell{max-width:100%;width:auto;max-height:34rem;margin:0 auto}
    svg.cell text{font-size:7px;text-anchor:middle;fill:var(--ink)}
    svg.cell .state text{font-size:8px;font-style:italic}
    .state rect{fill:var(--raised);stroke:var(--ink);stroke-width:.8}
    .unused rect{stroke:var(--quiet);stroke-dasharray:2 1.6}
    .operation rect{fill:var(--paper);stroke:var(--k);stroke-width:.9}
    .edge .way{fill:none;stroke:var(--k);stroke-width:1.2}
    .edge .head{fill:var(--k)}
    .edge{--k:var(--quiet)}
    .edge.convolution{--k:var(--convolution)}.edge.pool{--k:var(--pool)}.edge.skip{--k:var(--skip)}.edge.noise{--k:var(--noise)}
    .join .way{stroke-width:.8;opacity:.7}
    .scroll{overflow-x:auto;margin:.6rem 0 1.2rem;max-height:36rem;overflow-y:auto}
    table{border-collapse:collapse;font-size:.85rem;min-width:min(100%,30rem)}
    caption{text-align:left;color:var(--quiet);font-size:.82rem;padding-bottom:.4rem}
    caption span{display:block;width:max-content;max-width:min(46rem,calc(100vw - 3rem));position:sticky;left:0}
    th,td{padding:.32rem .9rem .32rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid);font-weight:400;
    white-space:nowrap}
    thead th{font-weight:600;border-bottom:1.5px solid var(--rule);background:var(--paper);position:sticky;top:0}
    .number{text-align:right}
    td.long{white-space:pre-line;min-width:16rem;overflow-wrap:anywhere}
    .settings td:last-child{color:var(--quiet)}
    details{margin:.7rem 0;border-top:1px solid var(--grid);padding-top:.5rem}
    summary{cursor:pointer;font-size:.9rem;color:var(--link)}
    .run+.run{margin-top:2.4rem}
    footer{color:var(--quiet);font-size:.82rem;padding-top:1.5rem;padding-bottom:3rem}
    #tip{position:fixed;z-index:10;left:0;top:0;max-width:min(24rem,calc(100vw - 1.2rem));background:var(--ink);color:var(--paper);
    font-size:.8rem;line-height:1.45;padding:.4rem .65rem;border-radius:6px;pointer-events:none;visibility:hidden;white-space:pre-line;
    box-shadow:0 2px 12px #0003}
    #tip.on{visibility:visible}
    .skip-link{position:absolute;left:-999rem}
    .skip-link:focus{left:1rem;top:.5rem;background:var(--paper);padding:.4rem .8rem;z-index:20}
    .live{max-width:74rem;margin:1.2rem auto 0;padding:0 1.5rem}
    .live progress{width:100%;height:.7rem;accent-color:var(--s0)}
    .live p{margin:.35rem 0 0;max-width:none;display:flex;flex-wrap:wrap;justify-content:space-between;gap:.2rem 1.5rem}
    .live .broken{color:var(--bad)}
    @media (max-width:34rem){header.top,main,footer,.live{padding-left:1rem;padding-right:1rem}header.top{padding-top:1.6rem}
    nav ul{padding-left:1rem;padding-right:1rem}.facts dd{font-size:1.25rem}.chart text{font-size:15px}
    .edges{grid-template-columns:repeat(auto-fill,minmax(min(100%,9.4rem),1fr))}}
    @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
    @media print{:root{--paper:#fff;--raised:#f5f5f3;--ink:#000;--quiet:#444;--rule:#bbb;--grid:#ddd}nav,#tip,.live,.skip-link{display:none}
    body{font-size:10pt}header.top,main,footer{max-width:none;padding:0}figure,tr,.facts div{break-inside:avoid}h2,h3{break-after:avoid}
    .scroll{max-height:none;overflow:visible}pre{max-height:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    .panels{grid-template-columns:1fr 1fr}}
    """
}
