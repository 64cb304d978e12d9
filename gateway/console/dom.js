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
    if (element.textContent !== text) {
        element.textContent = text;
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
