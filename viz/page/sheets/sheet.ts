/** A sheet of the inspector: drawn anew when what it shows has changed, and only while it is the one in front. */
import type { Topic } from '../topics.js'
import type { Workbench } from '../workbench.js'

export interface Sheet {
  readonly id: string
  readonly title: string
  readonly topics: readonly Topic[]
  /** Draws into its place. Whatever had the focus there has it again afterwards where it has a `data-key`. */
  draw(place: HTMLElement, bench: Workbench): void
}

/** Draws without losing the scroll or the focus of a person who is reading there. */
export function redraw(sheet: Sheet, place: HTMLElement, bench: Workbench): void {
  const { scrollTop } = place
  const focused = place.contains(document.activeElement)
    ? (document.activeElement as HTMLElement).dataset.key
    : undefined
  sheet.draw(place, bench)
  place.scrollTop = scrollTop
  if (focused === undefined) return
  const again = place.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)
  if (again === null) place.focus()
  else again.focus()
}
