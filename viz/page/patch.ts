/**
 * Brings a place to new contents and keeps the elements that are there: what one points at, types into or has the focus
 * on stays the same element while the page around it is drawn anew.
 *
 * Contract. Afterwards the place shows what it would show if its contents were replaced, with the listeners of the new
 * elements. An element with a `data-key` (or an id) stays that of its key among its siblings and never becomes another;
 * without one it stands for the next of its kind. A field in which one is typing keeps its text, and `details` stay as a
 * person has them. Elements that stay in their order are not moved. The keyed joins of d3 bind data to elements; sheets are
 * trees of text and elements without data, whence this.
 */
import type { Child } from './dom.js'
import { listenLike } from './listeners.js'

/** Gives a place these children, as `fill` does. */
export function patch(place: Element, ...children: readonly Child[]): void {
  patchChildren(
    place,
    children.flatMap((child) =>
      child === undefined || child === false || child === ''
        ? []
        : [typeof child === 'string' ? document.createTextNode(child) : child],
    ),
  )
}

function patchChildren(place: Element, wanted: readonly Node[]): void {
  const [only] = wanted
  const { firstChild: sole } = place
  if (wanted.length === 1 && only instanceof Text && sole instanceof Text && sole === place.lastChild) {
    if (sole.data !== only.data) sole.data = only.data
    return
  }
  const byKey = new Map<string, Node[]>()
  for (const child of place.childNodes) {
    const same = byKey.get(keyOf(child))
    if (same === undefined) byKey.set(keyOf(child), [child])
    else same.push(child)
  }
  // Those without a key stand for each other in the order in which they are.
  const kept = wanted.map((node) => byKey.get(keyOf(node))?.shift())
  for (const nodes of byKey.values()) for (const node of nodes) place.removeChild(node)
  let next: Node | null = place.firstChild
  for (const [index, node] of wanted.entries()) {
    const old = kept[index]
    if (old === next && old !== undefined) next = old.nextSibling
    else place.insertBefore(old ?? node, next)
    if (old !== undefined) patchNode(old, node)
  }
}

function keyOf(node: Node): string {
  if (!(node instanceof Element)) return node.nodeName
  const key = node.getAttribute('data-key') ?? node.id
  return key === '' ? node.nodeName : `${node.nodeName} ${key}`
}

function patchNode(old: Node, wanted: Node): void {
  if (!(old instanceof Element) || !(wanted instanceof Element)) {
    if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue
    return
  }
  patchAttributes(old, wanted)
  listenLike(old, wanted)
  patchChildren(old, [...wanted.childNodes])
  patchField(old, wanted)
}

function patchAttributes(old: Element, wanted: Element): void {
  for (const { name, value } of [...wanted.attributes]) {
    if (old.getAttribute(name) === value) continue
    // A policy that forbids inline styles forbids the attribute, not the property.
    if (name === 'style') styleOf(old).cssText = styleOf(wanted).cssText
    else old.setAttribute(name, value)
  }
  if (old.attributes.length === wanted.attributes.length) return
  for (const { name } of [...old.attributes])
    if (!wanted.hasAttribute(name) && !(name === 'open' && old instanceof HTMLDetailsElement))
      old.removeAttribute(name)
}

const styleOf = (element: Element): CSSStyleDeclaration => (element as HTMLElement | SVGElement).style

/** What a person has chosen is a property, which no attribute changes. */
function patchField(old: Element, wanted: Element): void {
  if (old instanceof HTMLSelectElement && wanted instanceof HTMLSelectElement) {
    if (old.value !== wanted.value) old.value = wanted.value
  } else if (old instanceof HTMLInputElement && wanted instanceof HTMLInputElement) {
    if (old !== document.activeElement && old.value !== wanted.value) old.value = wanted.value
  }
}
