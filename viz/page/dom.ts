/** Elements by one call each; nothing here sets HTML from text, so that what a trace says is never markup. */

export type Child = Node | string | undefined | false
type Listeners = { readonly [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void }

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
    if (typeof value === 'object') {
      for (const [type, listener] of Object.entries(value))
        element.addEventListener(type, listener as EventListener)
    } else element.setAttribute(name, value === true ? '' : String(value))
  }
  append(element, children)
  return element
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== undefined && child !== false) element.append(child)
}

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
