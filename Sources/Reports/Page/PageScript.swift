/// What a page does under a pointer or a key: it says what the file says at that place. Nothing is lost without it but that;
/// tables hold the same numbers.
enum PageScript {
  static let text = """
    "use strict";
    (() => {
    const tip = document.getElementById("tip");
    let lit = null;
    const words = (el, name) => { const t = el.getAttribute(name); return t === null ? [] : t.split(" "); };
    const say = (text, x, y) => {
      if (tip.textContent !== text) tip.textContent = text;
      tip.classList.add("on");
      const w = tip.offsetWidth, h = tip.offsetHeight;
      const left = Math.max(6, Math.min(x + 14, document.documentElement.clientWidth - w - 6));
      const top = y - h - 14 > 6 ? y - h - 14 : y + 18;
      tip.style.left = left + "px"; tip.style.top = Math.min(top, innerHeight - h - 6) + "px";
    };
    const hush = () => {
      tip.classList.remove("on");
      if (lit) lit.querySelectorAll(".lit,.on").forEach(e => e.classList.remove("lit", "on"));
      lit = null;
    };
    const screen = (svg, x, y) => new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
    const inside = (svg, e) => new DOMPoint(e.clientX, e.clientY).matrixTransform(svg.getScreenCTM().inverse());

    const lines = svg => {
      if (svg.zartsLines) return svg.zartsLines;
      const series = [...svg.querySelectorAll("g.series")].map(g => {
        const x = words(g, "data-x"), y = words(g, "data-y");
        return { name: g.getAttribute("data-name"), points: [...g.querySelectorAll("circle")].map((c, i) =>
          ({ x: x[i], y: y[i], cx: +c.getAttribute("cx"), cy: +c.getAttribute("cy"), el: c })) };
      });
      const stops = [...new Set(series.flatMap(s => s.points.map(p => p.cx)))].sort((a, b) => a - b);
      return svg.zartsLines = { series, stops };
    };
    const showLines = (svg, stop, nearY, at) => {
      const { series, stops } = lines(svg);
      if (!stops.length) return;
      stop = Math.max(0, Math.min(stops.length - 1, stop));
      let found = [];
      for (const s of series) for (const p of s.points) if (p.cx === stops[stop]) found.push({ name: s.name, p });
      if (found.length > 8) {
        found.sort((a, b) => Math.abs(a.p.cy - nearY) - Math.abs(b.p.cy - nearY));
        found = found.slice(0, 6);
      }
      hush(); lit = svg; svg.zartsStop = stop;
      found.forEach(f => f.p.el.classList.add("lit"));
      const cross = svg.querySelector(".cross");
      cross.setAttribute("x1", stops[stop]); cross.setAttribute("x2", stops[stop]); cross.classList.add("on");
      const text = svg.getAttribute("data-x-name") + " " + found[0].p.x + "\\n" + found.map(f => f.name + ": " + f.p.y).join("\\n");
      const spot = at || screen(svg, stops[stop], Math.min(...found.map(f => f.p.cy)));
      say(text, spot.x, spot.y);
    };

    const cells = svg => svg.zartsCells || (svg.zartsCells = {
      columns: +svg.getAttribute("data-columns"), rows: +svg.getAttribute("data-rows"),
      values: words(svg, "data-values"), more: words(svg, "data-more"), x: words(svg, "data-x"), y: words(svg, "data-y"),
      rowNames: words(svg, "data-row-names")
    });
    const showCell = (svg, column, row, at) => {
      const c = cells(svg);
      column = Math.max(0, Math.min(c.columns - 1, column)); row = Math.max(0, Math.min(c.rows - 1, row));
      const i = row * c.columns + column, cursor = svg.querySelector(".cursor");
      hush(); lit = svg; svg.zartsPlace = [column, row];
      const plane = svg.getAttribute("data-kind") === "plane";
      let box;
      if (plane) {
        const w = 1000 / c.columns, h = 1000 / c.rows;
        box = { x: 190 + column * w, y: 24 + row * h, w, h };
      } else box = { x: column, y: row, w: 1, h: 1 };
      cursor.setAttribute("x", box.x); cursor.setAttribute("y", box.y); cursor.classList.add("on");
      const value = c.values[i] === "\\u00b7" ? "not computed" : c.values[i];
      let text = svg.getAttribute("data-name");
      if (plane) text += " at (" + c.x[column] + ", " + c.y[row] + ")\\n"; else text += " " + c.rowNames[row] + ", epoch " + (column + 1) + "\\n";
      text += svg.getAttribute("data-value-name") + ": " + value;
      if (c.more.length) text += "\\n" + svg.getAttribute("data-more-name") + ": " + c.more[i];
      const spot = at || screen(svg, box.x + box.w, box.y);
      say(text, spot.x, spot.y);
    };
    const cellAt = (svg, e) => {
      const c = cells(svg), p = inside(svg, e);
      if (svg.getAttribute("data-kind") !== "plane") return [Math.floor(p.x), Math.floor(p.y)];
      const x = (p.x - 190) / 1000 * c.columns, y = (p.y - 24) / 1000 * c.rows;
      return x >= 0 && y >= 0 && c.columns > x && c.rows > y ? [Math.floor(x), Math.floor(y)] : null;
    };

    const move = e => {
      const svg = e.target.closest && e.target.closest("svg[data-kind]");
      if (!svg) { if (lit && lit !== document.activeElement) hush(); return; }
      const at = { x: e.clientX, y: e.clientY };
      if (svg.getAttribute("data-kind") === "lines") {
        const p = inside(svg, e), stops = lines(svg).stops;
        let best = 0;
        stops.forEach((s, i) => { if (Math.abs(s - p.x) < Math.abs(stops[best] - p.x)) best = i; });
        showLines(svg, best, p.y, at);
      } else {
        const place = cellAt(svg, e);
        if (place) showCell(svg, place[0], place[1], at); else hush();
      }
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerdown", move);
    document.addEventListener("pointerleave", hush);
    document.addEventListener("scroll", () => { if (lit && lit !== document.activeElement) hush(); }, { passive: true });
    document.addEventListener("focusin", e => {
      const svg = e.target;
      if (!svg.matches || !svg.matches("svg[data-kind]") || !svg.matches(":focus-visible")) return;
      if (svg.getAttribute("data-kind") === "lines") showLines(svg, svg.zartsStop || 0, 0);
      else showCell(svg, ...(svg.zartsPlace || [0, 0]));
    });
    document.addEventListener("focusout", e => { if (e.target.matches && e.target.matches("svg[data-kind]")) hush(); });
    document.addEventListener("keydown", e => {
      const svg = e.target;
      if (e.key === "Escape") { hush(); return; }
      if (!svg.matches || !svg.matches("svg[data-kind]")) return;
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      const end = { Home: -1, End: 1 }[e.key];
      if (!step && !end) return;
      e.preventDefault();
      if (svg.getAttribute("data-kind") === "lines") {
        const last = lines(svg).stops.length - 1, now = svg.zartsStop || 0;
        showLines(svg, end ? (end > 0 ? last : 0) : now + (step[0] || -step[1]), 0);
        return;
      }
      const c = cells(svg), now = svg.zartsPlace || [0, 0];
      const column = end ? (end > 0 ? c.columns - 1 : 0) : now[0] + step[0], row = end ? now[1] : now[1] + step[1];
      const group = svg.closest("[data-roving]");
      if (group && (row === -1 || row === c.rows)) {
        // From the last row of one edge to the first of the next.
        const all = [...group.querySelectorAll("svg.heat")], next = all[all.indexOf(svg) + (row === -1 ? -1 : 1)];
        if (next) {
          next.zartsPlace = [column, row === -1 ? cells(next).rows - 1 : 0];
          all.forEach(s => s.setAttribute("tabindex", s === next ? "0" : "-1"));
          next.focus();
          return;
        }
      }
      showCell(svg, column, row);
    });
    addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(d => {
      // What is too long or too wide for paper stays folded.
      const fits = d.querySelectorAll("tr").length <= 80 && [...d.querySelectorAll("thead tr")].every(r => 9 >= r.cells.length);
      if (!d.open && fits) { d.open = true; d.dataset.shut = "1"; } }));
    addEventListener("afterprint", () => document.querySelectorAll("details[data-shut]").forEach(d => { d.open = false; delete d.dataset.shut; }));
    })();
    """

  /// Follows a run: asks for its state now and then, and takes the page's body anew where the files have changed.
  static let live = """
    "use strict";
    (() => {
    const box = document.getElementById("live"), bar = box.querySelector("progress"), said = box.querySelector("p");
    let revision = box.getAttribute("data-revision"), failures = 0;
    const show = state => {
      bar.max = 1;
      if (state.fraction === null) bar.removeAttribute("value"); else bar.value = state.fraction;
      said.className = state.error ? "broken" : "";
      said.replaceChildren(...[state.error || state.text, state.remaining].filter(t => t).map(t => {
        const s = document.createElement("span"); s.textContent = t; return s; }));
      document.title = (state.fraction === null ? "" : Math.floor(100 * state.fraction) + " % \\u00b7 ") + box.getAttribute("data-title");
    };
    const replace = async () => {
      const answer = await fetch("/", { cache: "no-store" });
      if (!answer.ok) return false;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main"), old = document.querySelector("main");
      const open = new Set([...old.querySelectorAll("details[open]")].map(d => d.id));
      const shut = new Set([...old.querySelectorAll("details:not([open])")].map(d => d.id));
      fresh.querySelectorAll("details").forEach(d => { if (open.has(d.id)) d.open = true; else if (shut.has(d.id)) d.open = false; });
      const chosen = new Set([...old.querySelectorAll("input:checked")].map(i => i.id));
      const held = old.contains(document.activeElement) ? [...old.querySelectorAll("[tabindex]")].indexOf(document.activeElement) : -1;
      old.replaceChildren(...[...fresh.childNodes].map(n => document.importNode(n, true)));
      old.querySelectorAll("input[type=radio]").forEach(i => { if (chosen.has(i.id)) i.checked = true; });
      const wanted = held >= 0 ? [...old.querySelectorAll("[tabindex]")][held] : null;
      if (wanted) wanted.focus({ preventScroll: true });
      document.querySelector("nav ul").replaceChildren(...[...page.querySelector("nav ul").childNodes].map(n => document.importNode(n, true)));
      document.querySelector(".lead").textContent = page.querySelector(".lead").textContent;
      document.dispatchEvent(new Event("zarts:fresh"));
      return true;
    };
    const ask = async () => {
      try {
        const answer = await fetch("/status.json", { cache: "no-store" });
        if (!answer.ok) throw new Error("status " + answer.status);
        const state = await answer.json();
        failures = 0;
        show(state);
        // A pointer on a figure would lose it: wait until it has gone.
        if (state.revision !== revision && !document.querySelector("#tip.on") && await replace()) revision = state.revision;
      } catch (error) {
        failures += 1;
        if (failures > 2) show({ fraction: null, error: "zarts watch does not answer any more" });
      }
      setTimeout(ask, document.hidden ? 10000 : Math.min(2000 * (failures + 1), 30000));
    };
    ask();
    })();
    """
}
