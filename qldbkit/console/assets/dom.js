/* Building the page. Every value becomes text: nothing here, and nothing else, parses HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; strings become text, null and false are left out. */
export function el(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An SVG element. */
export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Put children in the place of all that an element has. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(isThere).map(asNode));
}

/** Have a screen reader say a sentence. */
export function say(sentence) {
  document.getElementById("said").textContent = sentence;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (isThere(value)) element.setAttribute(name, String(value));
  }
  element.append(...children.flat(Infinity).filter(isThere).map(asNode));
  return element;
}

function isThere(value) {
  return value !== null && value !== undefined && value !== false;
}

function asNode(value) {
  return value instanceof Node ? value : document.createTextNode(String(value));
}
