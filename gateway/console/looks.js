// looks.js — language, theme, and which colour means up: by the reader's habits, with a switch each.
// SPDX-License-Identifier: MIT
import { page, setText } from './dom.js';
import { recall, remember } from './store.js';
import { language, otherLanguage, switchLanguage, word } from './words.js';

const THEMES = ['auto', 'light', 'dark'];
const SIGNS = { auto: '◐', light: '☀', dark: '☾' };

/** Applies what is remembered and listens to the switches; `redraw` follows every change. */
export function startLooks(redraw) {
    const root = document.documentElement;
    let theme = THEMES.includes(recall('theme')) ? recall('theme') : 'auto';
    let rising = recall('rising', null); // 'red' or 'green'; null: as is usual in the language

    const draw = () => {
        const up = rising ?? (language() === 'zh' ? 'red' : 'green');
        root.dataset.theme = theme;
        root.dataset.rising = up;
        redraw();
        const name = word(`theme${theme[0].toUpperCase()}${theme.slice(1)}`);
        setText(page.theme, SIGNS[theme]);
        page.theme.title = name;
        page.theme.setAttribute('aria-label', name);
        setText(page.colours, '▲▼');
        page.colours.title = word(up === 'red' ? 'upRed' : 'upGreen');
        page.colours.setAttribute('aria-label', page.colours.title);
        const other = otherLanguage();
        setText(page.language, other.name);
        page.language.lang = other.code;
    };

    page.theme.addEventListener('click', () => {
        theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
        remember('theme', theme);
        draw();
    });
    page.colours.addEventListener('click', () => {
        rising = root.dataset.rising === 'red' ? 'green' : 'red';
        remember('rising', rising);
        draw();
    });
    page.language.addEventListener('click', () => {
        switchLanguage();
        draw();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    draw();
}
