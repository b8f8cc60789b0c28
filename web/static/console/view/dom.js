/** The element with an id that index.html is known to have. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

/**
 * Makes an element. Text goes in as text and never as HTML: events carry foreign data.
 * @param {string} tag  @param {Record<string, unknown>} attributes class, data-…, aria-…, hidden, …
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== '' && child !== false));
  return element;
}

/** Sets text only if it differs, so that a selection and a screen reader are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Sets text whose lines break between words only: a cursor is not torn at its hyphen, nor a
 * URL at its slashes, unless it is longer than a line.
 */
export function setWords(element, text) {
  if (element.textContent === text) return;
  element.replaceChildren(...text.split(/(\s+)/).map((part) => (part.trim() ? el('span', { class: 'word' }, part) : part)));
}

/** Copies text and shows on the button that it did. Works without https, too. */
export async function copyFrom(button, text) {
  const done = (await copy(text)) ? 'Copied' : 'Select and copy';
  const label = (button.dataset.label ??= button.textContent);
  button.textContent = done;
  setTimeout(() => {
    button.textContent = label;
  }, 1600);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard API needs a secure context; a server in the local network has none.
    const area = el('textarea', { class: 'visually-hidden', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    const ok = document.execCommand('copy');
    area.remove();
    return ok;
  }
}

/**
 * Makes the list's children those nodes, in their order. What stays is not touched, so
 * that focus, a selection and the place of scrolling stay with it.
 */
export function arrange(list, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  let at = list.firstElementChild;
  for (const node of nodes) {
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
}
