/** Elements by one call each; nothing here sets HTML from text, so that what a trace says is never markup. */
import { listen } from './listeners.js'

export type Child = Node | string | undefined | false
export type Listeners = {
  readonly [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void
}

export interface Attributes {
  readonly class?: string | false
  readonly on?: Listeners
  /** Anything else is an attribute as it stands; `false` and `undefined` leave it out, `true` gives it without a value. */
  readonly [name: string]: string | number | boolean | undefined | Listeners
}

/** Makes an element with its attributes, listeners and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'object') listen(element, value)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  append(element, children)
  return element
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== undefined && child !== false) element.append(child)
}

/**
 * What a field holds at whose event one is. Not to be asked of the element that was made: where a place is patched
 * (patch.ts) the one on the page is another.
 */
export const valueAt = (event: Event): string =>
  (event.currentTarget as HTMLInputElement | HTMLSelectElement).value

/** Puts these children in the place of those that are there. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren()
  append(element, children)
}

const svgNamespace = 'http://www.w3.org/2000/svg'

/** Makes an SVG element; attributes as for `h`, without listeners. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(svgNamespace, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  append(element, children)
  return element
}

/** The element with this id, which index.html has. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`index.html has no element #${id}`)
  return element
}
