// A drawing pad: dark ink on white paper, as thick as the strokes of 28 × 28 pictures become when they are enlarged.
(() => {
  const INK = 26, STEP = 8, NAME = "my_digit.png";
  const pad = document.getElementById("pad");
  const said = document.getElementById("pad-said");
  const pen = pad.getContext("2d");
  let drawn = false;
  let at = { x: pad.width / 2, y: pad.height / 2 };

  function clear() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, pad.width, pad.height);
    pen.strokeStyle = "#000";
    pen.lineWidth = INK;
    pen.lineCap = pen.lineJoin = "round";
    at = { x: pad.width / 2, y: pad.height / 2 };
    drawn = false;
    said.textContent = "";
  }

  function draw(to) {
    pen.beginPath();
    pen.moveTo(at.x, at.y);
    pen.lineTo(to.x, to.y);
    pen.stroke();
    at = to;
    drawn = true;
  }

  function place(event) {
    const box = pad.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * pad.width) / box.width,
      y: ((event.clientY - box.top) * pad.height) / box.height,
    };
  }

  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    at = place(event);
    draw(at);
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.buttons) draw(place(event));
  });
  pad.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!(event.key in moves)) return;
    event.preventDefault(); // the page stays where it is
    const inside = (value, most) => Math.min(Math.max(value, INK / 2), most - INK / 2);
    const [right, down] = moves[event.key];
    const to = { x: inside(at.x + STEP * right, pad.width), y: inside(at.y + STEP * down, pad.height) };
    if (event.shiftKey) draw(to);
    at = to;
    said.textContent = `Pen at ${Math.round((100 * at.x) / pad.width)} % from the left, ${Math.round((100 * at.y) / pad.height)} % from the top.`;
  });
  document.getElementById("pad-clear").addEventListener("click", clear);
  document.getElementById("pad-save").addEventListener("click", () => {
    if (!drawn) {
      said.textContent = "There is nothing to save yet: draw a digit first.";
      return;
    }
    const link = document.createElement("a");
    link.href = pad.toDataURL("image/png");
    link.download = NAME;
    link.click();
    said.textContent = `Saved as ${NAME}. Put it beside the notebook, and run the cells of question handwriting.`;
  });
  clear();
})();
