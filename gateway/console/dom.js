// dom.js — elements: those of the page by their ids, and new ones.
// SPDX-License-Identifier: MIT

export const page = Object.fromEntries(
    [...document.querySelectorAll('[id]')].map((element) => [element.id, element]),
);

/** A new element with these properties and children. */
export function make(name, properties = {}, ...children) {
    const { data = {}, ...rest } = properties;
    const element = Object.assign(document.createElement(name), rest);
    Object.assign(element.dataset, data);
    element.append(...children);
    return element;
}

/** Sets the text only if it is another one: the page is redrawn for nothing less. */
export function setText(element, text) {
    const node = element.firstChild;
    if (!node || node !== element.lastChild || node.nodeType !== Node.TEXT_NODE) {
        element.textContent = text;
    } else if (node.data !== text) {
        node.data = text; // the same node: a new one is dearer
    }
}

/** The same for a `data-` attribute, on which styles depend. */
export function setData(element, name, value) {
    const text = String(value);
    if (element.dataset[name] !== text) {
        element.dataset[name] = text;
    }
}

const context = make('canvas').getContext('2d', { willReadFrequently: true });

/** A colour of console.css as every canvas understands it, as opaque as wanted. */
export function colour(name, opacity = 1) {
    page.probe.style.color = `var(--${name})`;
    context.fillStyle = getComputedStyle(page.probe).color;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}
