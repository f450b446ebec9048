/** What elements listen to, so that an element on the page can be given the listeners of the one that replaces it. */
import type { Listeners } from './dom.js'

const heard = new WeakMap<Element, Listeners>()

function hear(event: Event): void {
  const listeners = heard.get(event.currentTarget as Element)
  const listener = listeners?.[event.type as keyof HTMLElementEventMap] as
    ((event: Event) => void) | undefined
  listener?.(event)
}

/** Gives an element its listeners, in place of those it had by this. */
export function listen(element: Element, listeners: Listeners): void {
  heard.set(element, listeners)
  for (const type of Object.keys(listeners)) element.addEventListener(type, hear)
}

/** Gives an element the listeners of another. */
export function listenLike(element: Element, other: Element): void {
  const listeners = heard.get(other)
  if (listeners !== undefined) listen(element, listeners)
  else heard.delete(element)
}
