/**
 * The browser's Back and Forward lead between the start page and the runs and branches that were shown, without leaving
 * the page. The address stays what it is: a branch lives in the session of this page alone.
 */
import type { BranchId } from '../session/protocol.js'
import type { Workbench } from './workbench.js'

interface Place {
  /** Which loading of the page it belongs to: a session forgets its branches when the page is loaded anew. */
  readonly page: number
  readonly branch: BranchId | null
}

const page = performance.timeOrigin

export function keepPlaces(bench: Workbench): void {
  const placeHere = (): Place => ({ page, branch: bench.branch?.branch ?? null })
  const read = (state: unknown): Place | undefined => {
    const place = state as Partial<Place> | null
    return place?.page === page && place.branch !== undefined ? (place as Place) : undefined
  }
  history.replaceState(placeHere(), '')
  bench.topics.on(['run'], () => {
    const place = placeHere()
    if (read(history.state)?.branch !== place.branch) history.pushState(place, '')
  })
  addEventListener('popstate', (event) => {
    // Another link in the address is an entry of the browser's own, which is opened as a link.
    const place = read(event.state)
    if (place === undefined || place.branch === (bench.branch?.branch ?? null)) return
    if (place.branch === null) bench.leave()
    else void bench.back(place.branch)
  })
}
