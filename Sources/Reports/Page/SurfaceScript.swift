/// Draws surfaces of planes on a canvas, turned by pointer, touch and keys: a parallel view of a box as that of `SurfaceFigure`,
/// cells drawn from far to near. Pages without a plane have no need of it.
enum SurfaceScript {
  static let text = #"""
    "use strict";
    (() => {
    const tip = document.getElementById("tip"), floor = -0.3, views = new Map(), all = new Set();
    const front = () => ({ azimuth: -60, elevation: 30, zoom: 1, shown: 0 });
    const words = (el, name) => { const t = el.getAttribute(name); return t ? t.split(" ") : []; };
    const clamp = (v, low, high) => Math.max(low, Math.min(high, v));
    const rgb = t => [0, 2, 4].map(i => parseInt(t.slice(i, i + 2), 16));

    // What a heatmap carries for the pointer, rows from below.
    const read = svg => {
      const x = words(svg, "data-x"), y = words(svg, "data-y").reverse(), n = x.length, m = y.length;
      const raw = words(svg, "data-values"), texts = y.flatMap((_, j) => raw.slice((m - 1 - j) * n, (m - j) * n));
      const scale = words(svg, "data-scale").map(Number), what = svg.getAttribute("data-value-name");
      const ways = [...svg.querySelectorAll(".way")].map(w => [...w.querySelectorAll("circle")].map(c =>
        [(+c.getAttribute("cx") - 190) / 1000 * n - .5, (1 - (+c.getAttribute("cy") - 24) / 1000) * m - .5]));
      return { name: svg.getAttribute("data-name"), what, title: svg.getAttribute("data-value-label"), x, y, n, m, texts, ways,
        z: Float64Array.from(texts, Number), shared: scale.slice(0, 2), own: scale.slice(2), isDifference: what === "difference" };
    };

    // Round numbers from low to high, about so many.
    const ticks = (low, high, target) => {
      if (!(high > low)) return [];
      const rough = (high - low) / target, power = 10 ** Math.floor(Math.log10(rough));
      const step = power * [1, 2, 5, 10].find(f => f * power >= rough * .999), found = [];
      for (let k = Math.ceil(low / step - 1e-9); k <= high / step + 1e-9; k++) found.push(+(k * step).toPrecision(12));
      return found;
    };
    const label = v => String(v).replace("-", "\u2212");

    const camera = (view, w, h) => {
      const a = view.azimuth * Math.PI / 180, e = view.elevation * Math.PI / 180;
      const [sa, ca, se, ce] = [Math.sin(a), Math.cos(a), Math.sin(e), Math.cos(e)];
      const k = view.zoom * Math.max(20, Math.min((w - 70) / 2.83, (h - 56) / 2.65));
      return { near: [ce * ca >= 0 ? 1 : -1, ce * sa >= 0 ? 1 : -1], towards: [ce * ca, ce * sa, se],
        page: (x, y, z) => [w / 2 + 8 + (y * ca - x * sa) * k, h / 2 - 6 - (-se * (x * ca + y * sa) + ce * (z - (1 + floor) / 2)) * k] };
    };

    // Places of the points in the box, and heights there; fewer of them where there are too many to draw.
    const lattice = (s, scale, most) => {
      const step = Math.max(1, Math.ceil(Math.sqrt(s.n * s.m / most)));
      const pick = count => { const p = []; for (let i = 0; i < count - 1; i += step) p.push(i); p.push(count - 1); return p; };
      const at = list => { const low = +list[0], high = +list[list.length - 1]; return i => -1 + 2 * (list[i] - low) / (high - low); };
      const [I, J, X, Y] = [pick(s.n), pick(s.m), at(s.x), at(s.y)];
      const share = v => clamp((v - scale[0]) / (scale[1] - scale[0]), 0, 1);
      return { I, J, xs: I.map(X), ys: J.map(Y), hs: J.map(j => I.map(i => share(s.z[j * s.n + i]))), share };
    };

    // Height between the points; NaN beside a hole and outside.
    const between = (s, share, i, j) => {
      if (!(i >= 0 && j >= 0 && s.n - 1 >= i && s.m - 1 >= j)) return NaN;
      const a = Math.min(Math.floor(i), s.n - 2), b = Math.min(Math.floor(j), s.m - 2), u = i - a, v = j - b;
      const h = (p, q) => share(s.z[q * s.n + p]);
      return (h(a, b) * (1 - u) + h(a + 1, b) * u) * (1 - v) + (h(a, b + 1) * (1 - u) + h(a + 1, b + 1) * u) * v;
    };

    const draw = (f, most, paper) => {
      const { canvas, view, surfaces } = f, s = surfaces[view.shown], w = canvas.clientWidth, h = canvas.clientHeight;
      if (!s || !w || !h) return;
      const ratio = window.devicePixelRatio || 1, c = canvas.getContext("2d"), style = getComputedStyle(canvas);
      if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio);
      if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio);
      c.setTransform(ratio, 0, 0, ratio, 0, 0);
      c.clearRect(0, 0, w, h);
      const ink = name => paper ? { "--raised": "#f5f5f3", "--rule": "#bbb", "--grid": "#ddd", "--quiet": "#444", "--ink": "#000" }[name]
        : style.getPropertyValue(name).trim();
      const own = f.host.querySelector(".choose-own"), scale = own && own.checked ? s.own : s.shared;
      const cam = camera(view, w, h), page = cam.page, [nx, ny] = cam.near, g = lattice(s, scale, most), map = s.isDifference ? f.differences : f.colours;
      f.drawn = { s, g, page };
      const line = (points, colour, width, dash) => {
        c.beginPath(); points.forEach((p, i) => i ? c.lineTo(...p) : c.moveTo(...p));
        c.strokeStyle = colour; c.lineWidth = width; c.setLineDash(dash || []); c.stroke(); c.setLineDash([]);
      };
      const tx = ticks(+s.x[0], +s.x[s.n - 1], 4), ty = ticks(+s.y[0], +s.y[s.m - 1], 4), tz = ticks(scale[0], scale[1], 4);
      const px = v => -1 + 2 * (v - s.x[0]) / (s.x[s.n - 1] - s.x[0]), py = v => -1 + 2 * (v - s.y[0]) / (s.y[s.m - 1] - s.y[0]);

      // The sides that the viewer looks at from within.
      for (const side of [[[-nx, -1, floor], [-nx, 1, floor], [-nx, 1, 1], [-nx, -1, 1]], [[-1, -ny, floor], [1, -ny, floor], [1, -ny, 1], [-1, -ny, 1]],
        [[-1, -1, floor], [1, -1, floor], [1, 1, floor], [-1, 1, floor]]]) {
        c.beginPath(); side.forEach((p, i) => i ? c.lineTo(...page(...p)) : c.moveTo(...page(...p))); c.closePath();
        c.fillStyle = ink("--raised"); c.fill(); c.strokeStyle = ink("--rule"); c.lineWidth = 1; c.stroke();
      }
      const faint = ink("--rule");
      for (const v of tx) line([page(px(v), ny, floor), page(px(v), -ny, floor), page(px(v), -ny, 1)], faint, .6);
      for (const v of ty) line([page(nx, py(v), floor), page(-nx, py(v), floor), page(-nx, py(v), 1)], faint, .6);
      for (const v of tz) line([page(-nx, ny, g.share(v)), page(-nx, -ny, g.share(v)), page(nx, -ny, g.share(v))], faint, .6);

      // Light from behind the viewer's left shoulder.
      const flat = Math.max(Math.hypot(cam.towards[0], cam.towards[1]), 1e-9), fx = cam.towards[0] / flat, fy = cam.towards[1] / flat;
      const light = [.45 * fx + .65 * fy, .45 * fy - .65 * fx, 1.1], size = Math.hypot(...light);
      const lit = (share, sx, sy) => {
        const cos = (-sx * light[0] - sy * light[1] + light[2]) / size / Math.sqrt(sx * sx + sy * sy + 1);
        const below = 0 > -sx * cam.towards[0] - sy * cam.towards[1] + cam.towards[2], tone = below ? .55 : clamp(.6 + .46 * cos, .6, 1.06);
        const at = share * (map.length - 1), k = Math.min(Math.floor(at), map.length - 2), u = at - k;
        return "rgb(" + [0, 1, 2].map(i => Math.round(clamp((map[k][i] * (1 - u) + map[k + 1][i] * u) * tone, 0, 255))).join() + ")";
      };
      const P = g.hs.map((row, j) => row.map((z, i) => page(g.xs[i], g.ys[j], z)));
      const order = (count, sign) => { const o = [...Array(Math.max(0, count - 1)).keys()]; return sign > 0 ? o : o.reverse(); };
      const mesh = 70 >= Math.max(g.I.length, g.J.length), wire = mesh ? "rgba(0,0,0,.22)" : null;
      for (const j of order(g.J.length, ny)) for (const i of order(g.I.length, nx)) {
        const [a, b, d, e] = [g.hs[j][i], g.hs[j][i + 1], g.hs[j + 1][i + 1], g.hs[j + 1][i]], mean = (a + b + d + e) / 4;
        if (Number.isNaN(mean)) continue;
        const sx = (b + d - a - e) / 2 / (g.xs[i + 1] - g.xs[i]), sy = (e + d - a - b) / 2 / (g.ys[j + 1] - g.ys[j]);
        c.beginPath(); c.moveTo(...P[j][i]); c.lineTo(...P[j][i + 1]); c.lineTo(...P[j + 1][i + 1]); c.lineTo(...P[j + 1][i]); c.closePath();
        c.fillStyle = c.strokeStyle = lit(mean, sx, sy); c.lineWidth = .7; c.fill(); c.stroke();
        if (wire) { c.strokeStyle = wire; c.lineWidth = .5; c.stroke(); }
      }

      // Paths, the centre, and the lowest point with its place on the floor.
      const spot = (i, j) => { const z = between(s, g.share, i, j); return page(-1 + 2 * i / (s.n - 1), -1 + 2 * j / (s.m - 1), z + .012); };
      s.ways.forEach((way, k) => {
        let run = [];
        const end = () => { if (run.length > 1) { line(run, "#000", 4); line(run, "#fff", 2, [[], [8, 4], [2, 4]][k % 3]); } run = []; };
        for (const [i, j] of way) { const p = spot(i, j); if (Number.isNaN(p[1])) end(); else run.push(p); }
        end();
      });
      const ring = (p, r) => { for (const [width, colour] of [[4, "#000"], [1.8, "#fff"]]) {
        c.beginPath(); c.arc(p[0], p[1], r, 0, 7); c.strokeStyle = colour; c.lineWidth = width; c.stroke(); } };
      const zx = s.x.findIndex(v => 1e-9 > Math.abs(v)), zy = s.y.findIndex(v => 1e-9 > Math.abs(v));
      if (zx >= 0 && zy >= 0 && s.n > 1 && s.m > 1) {
        const p = spot(zx, zy);
        if (!Number.isNaN(p[1])) for (const [width, colour] of [[4, "#000"], [1.8, "#fff"]]) {
          line([[p[0] - 6, p[1]], [p[0] + 6, p[1]]], colour, width); line([[p[0], p[1] - 6], [p[0], p[1] + 6]], colour, width); }
      }
      let least = -1;
      if (!s.isDifference) s.z.forEach((v, k) => { if (Number.isFinite(v) && (least < 0 || s.z[least] > v)) least = k; });
      if (least >= 0) {
        const i = least % s.n, j = Math.floor(least / s.n), foot = page(-1 + 2 * i / (s.n - 1), -1 + 2 * j / (s.m - 1), floor), head = spot(i, j);
        if (!Number.isNaN(head[1])) {
          line([foot, head], ink("--quiet"), 1, [3, 3]); ring(head, 5);
          c.beginPath(); c.arc(foot[0], foot[1], 2.5, 0, 7); c.fillStyle = ink("--ink"); c.fill();
        }
      }

      // Axes on the near edges of the floor and on the upright edge at the left.
      c.fillStyle = ink("--quiet"); c.font = "12px " + style.fontFamily;
      const middle = page(0, 0, floor);
      const axis = (from, to, values, place, name) => {
        line([from, to], ink("--quiet"), 1);
        const mid = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2], length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
        let out = [-(to[1] - from[1]) / length, (to[0] - from[0]) / length];
        if ((middle[0] - mid[0]) * out[0] + (middle[1] - mid[1]) * out[1] > 0) out = [-out[0], -out[1]];
        c.textAlign = Math.abs(out[0]) > .35 ? (out[0] > 0 ? "left" : "right") : "center"; c.textBaseline = "middle";
        let widest = 0;
        for (const v of values) {
          const p = place(v);
          line([p, [p[0] + 4 * out[0], p[1] + 4 * out[1]]], ink("--quiet"), 1);
          c.fillText(label(v), p[0] + 7 * out[0], p[1] + 13 * out[1]);
          widest = Math.max(widest, c.measureText(label(v)).width);
        }
        const away = 16 + Math.abs(out[0]) * (widest + 4) + Math.abs(out[1]) * 15;
        c.save(); c.translate(mid[0] + out[0] * away, mid[1] + out[1] * away);
        let angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
        if (Math.abs(angle) > Math.PI / 2) angle -= Math.sign(angle) * Math.PI;
        c.rotate(angle); c.textAlign = "center";
        c.font = clamp(12 * 1.15 * length / (c.measureText(name).width || 1), 8, 12) + "px " + style.fontFamily;
        c.fillText(name, 0, 0); c.restore();
      };
      axis(page(-1, ny, floor), page(1, ny, floor), tx, v => page(px(v), ny, floor), f.names[0]);
      axis(page(nx, -1, floor), page(nx, 1, floor), ty, v => page(nx, py(v), floor), f.names[1]);
      const [ex, ey] = [[nx, -ny], [-nx, ny]].sort((p, q) => page(...p, 0)[0] - page(...q, 0)[0])[0];
      line([page(ex, ey, floor), page(ex, ey, 1)], ink("--quiet"), 1);
      c.textAlign = "right"; c.textBaseline = "middle";
      for (const v of tz) {
        const p = page(ex, ey, g.share(v));
        line([p, [p[0] - 4, p[1]]], ink("--quiet"), 1); c.fillText(label(v), p[0] - 7, p[1]);
      }
      const top = page(ex, ey, 1);
      c.textAlign = "left"; c.fillText(s.title, Math.max(4, top[0] - 30), Math.max(10, top[1] - 14));
    };

    const still = 22500, moving = 6400;
    const ask = (f, most) => {
      f.most = most;
      if (f.asked) return;
      f.asked = true;
      requestAnimationFrame(() => { f.asked = false; draw(f, f.most); });
    };
    const turn = (f, azimuth, elevation) => {
      f.view.azimuth = (f.view.azimuth + azimuth + 540) % 360 - 180;
      f.view.elevation = clamp(f.view.elevation + elevation, 0, 90);
    };
    const zoom = (f, factor) => { f.view.zoom = clamp(f.view.zoom * factor, .5, 6); };
    const choose = (f, index) => {
      f.view.shown = index;
      f.buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(i === index)));
      f.canvas.setAttribute("aria-label", f.surfaces[index].name + " as a surface. Arrow keys turn it, plus and minus zoom.");
      ask(f, still);
    };

    // The value of the nearest point under the pointer, of those that lie over one another the one in front.
    const say = (f, e) => {
      if (!f.drawn) return;
      const { s, g, page } = f.drawn, box = f.canvas.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
      let best = null, depth = -Infinity;
      const cam = camera(f.view, box.width, box.height);
      g.hs.forEach((row, j) => row.forEach((z, i) => {
        const p = page(g.xs[i], g.ys[j], z);
        if (9 > Math.hypot(p[0] - x, p[1] - y)) {
          const d = g.xs[i] * cam.towards[0] + g.ys[j] * cam.towards[1] + z * cam.towards[2];
          if (d > depth) { depth = d; best = [g.I[i], g.J[j]]; }
        }
      }));
      if (!best) { tip.classList.remove("on"); return; }
      tip.textContent = s.name + " at (" + s.x[best[0]] + ", " + s.y[best[1]] + ")\n" + s.what + ": " + s.texts[best[1] * s.n + best[0]];
      tip.classList.add("on");
      tip.style.left = Math.max(6, Math.min(e.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 6)) + "px";
      tip.style.top = Math.max(6, e.clientY - tip.offsetHeight - 14) + "px";
    };

    const begin = root => {
      const host = root.parentNode, surfaces = [...host.querySelectorAll("svg.plane")].map(read);
      if (!surfaces.length || 2 > surfaces[0].n || 2 > surfaces[0].m) return;
      const canvas = root.querySelector("canvas"), buttons = [...root.querySelectorAll("button")], fingers = new Map();
      if (!views.has(root.id)) views.set(root.id, front());
      const f = { host, canvas, buttons, surfaces, view: views.get(root.id), names: [root.getAttribute("data-x-name"), root.getAttribute("data-y-name")],
        colours: words(root, "data-colours").map(rgb), differences: words(root, "data-differences").map(rgb) };
      root.zartsTurn = f; root.hidden = false; all.add(f);
      buttons.forEach((b, i) => b.addEventListener("click", () => choose(f, i)));
      host.addEventListener("change", () => ask(f, still));
      canvas.addEventListener("pointerdown", e => {
        canvas.setPointerCapture(e.pointerId); canvas.focus({ preventScroll: true });
        fingers.set(e.pointerId, [e.clientX, e.clientY]); tip.classList.remove("on");
      });
      canvas.addEventListener("pointermove", e => {
        const was = fingers.get(e.pointerId);
        if (!was) { say(f, e); return; }
        const apart = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]) || 1; };
        if (fingers.size === 2) {
          const before = apart();
          fingers.set(e.pointerId, [e.clientX, e.clientY]); zoom(f, apart() / before);
        } else {
          turn(f, (was[0] - e.clientX) * .5, (e.clientY - was[1]) * .4);
          fingers.set(e.pointerId, [e.clientX, e.clientY]);
        }
        ask(f, moving);
      });
      for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, e => { if (fingers.delete(e.pointerId)) ask(f, still); });
      canvas.addEventListener("pointerleave", () => tip.classList.remove("on"));
      canvas.addEventListener("wheel", e => {
        if (document.activeElement !== canvas && !e.ctrlKey) return;
        e.preventDefault(); zoom(f, Math.exp(-e.deltaY * .0015)); ask(f, still);
      }, { passive: false });
      canvas.addEventListener("keydown", e => {
        const step = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] }[e.key];
        const factor = { "+": 1.15, "=": 1.15, "-": 1 / 1.15, "\u2212": 1 / 1.15 }[e.key];
        if (e.ctrlKey || e.metaKey || e.altKey) return;
        if (step) turn(f, ...step); else if (factor) zoom(f, factor);
        else if (e.key === "0" || e.key === "Home") Object.assign(f.view, front(), { shown: f.view.shown });
        else return;
        e.preventDefault(); ask(f, still);
      });
      if (window.ResizeObserver) new ResizeObserver(() => ask(f, still)).observe(canvas);
      choose(f, Math.min(f.view.shown, surfaces.length - 1));
    };
    const look = () => {
      for (const f of all) if (!f.canvas.isConnected) all.delete(f);
      document.querySelectorAll("figure.turn").forEach(root => { if (!root.zartsTurn) begin(root); });
    };
    document.addEventListener("zarts:fresh", look);
    if (window.matchMedia) matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all.forEach(f => ask(f, still)));
    addEventListener("beforeprint", () => all.forEach(f => draw(f, still, true)));
    addEventListener("afterprint", () => all.forEach(f => draw(f, still)));
    look();
    })();
    """#
}
