/** A sheet of the inspector: drawn anew when what it shows has changed, and only while it is the one in front. */
import type { Topic } from '../topics.js'
import type { Workbench } from '../workbench.js'

export interface Sheet {
  readonly id: string
  readonly title: string
  readonly topics: readonly Topic[]
  /** Patches its place (patch.ts), so that what one points at or types into stays the element that it is. */
  draw(place: HTMLElement, bench: Workbench): void
}

/** Draws a sheet; a person who has the focus there keeps it in the sheet, even where what had it is gone. */
export function redraw(sheet: Sheet, place: HTMLElement, bench: Workbench): void {
  const isThere = place.contains(document.activeElement)
  sheet.draw(place, bench)
  if (isThere && !place.contains(document.activeElement)) place.focus()
}
