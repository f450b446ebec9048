/** The sheets beside the diagram, as tabs. */
import { h } from './dom.js'
import { branchesSheet } from './sheets/branches-sheet.js'
import { clientsSheet } from './sheets/clients-sheet.js'
import { flightSheet } from './sheets/flight-sheet.js'
import { nextSheet } from './sheets/next-sheet.js'
import { propertiesSheet } from './sheets/properties-sheet.js'
import { redraw } from './sheets/sheet.js'
import { stateSheet } from './sheets/state-sheet.js'
import { whySheet } from './sheets/why-sheet.js'
import type { Topic } from './topics.js'
import type { Workbench } from './workbench.js'

export interface Inspector {
  readonly element: HTMLElement
  readonly sheets: readonly { readonly id: string; readonly title: string }[]
  /** @param section key of the section to be scrolled to, once it is there; the beginning of it is enough */
  show(id: string, section?: string): void
}

export function makeInspector(bench: Workbench): Inspector {
  const sheets = [
    whySheet(),
    stateSheet(),
    propertiesSheet(),
    flightSheet(),
    clientsSheet(),
    nextSheet(),
    branchesSheet(),
  ]
  let shown = sheets[0]!
  /** The section to be in view until a person looks elsewhere; '' for none. */
  let wanted = ''
  const draw = (): void => {
    redraw(shown, place, bench)
    if (wanted !== '') place.querySelector(`[data-key^="${wanted}"]`)?.scrollIntoView({ block: 'start' })
  }
  const place = h('div', { class: 'sheet', role: 'tabpanel', id: 'sheet', tabindex: 0 })
  for (const type of ['wheel', 'pointerdown', 'keydown'] as const)
    place.addEventListener(
      type,
      () => {
        wanted = ''
      },
      { passive: true },
    )
  const tabs = sheets.map((sheet) =>
    h(
      'button',
      {
        role: 'tab',
        id: `tab-${sheet.id}`,
        'aria-controls': 'sheet',
        'data-title': sheet.title,
        on: {
          click: (event) => {
            show(sheet.id)
            // Who points at a tab goes on with the arrows of the run; who came by keys goes on from tab to tab.
            if (event.detail > 0) place.focus()
          },
        },
      },
      sheet.title,
    ),
  )
  const list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Inspector' }, ...tabs)
  list.addEventListener('keydown', (event) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (by === 0) return
    const next = sheets[(sheets.indexOf(shown) + by + sheets.length) % sheets.length]!
    show(next.id)
    document.getElementById(`tab-${next.id}`)?.focus()
  })
  function show(id: string, section = ''): void {
    wanted = section
    shown = sheets.find((sheet) => sheet.id === id) ?? shown
    for (const [index, tab] of tabs.entries()) {
      const isShown = sheets[index] === shown
      tab.setAttribute('aria-selected', String(isShown))
      tab.tabIndex = isShown ? 0 : -1
    }
    place.setAttribute('aria-labelledby', `tab-${shown.id}`)
    place.scrollTop = 0
    if (bench.branch !== undefined) draw()
  }
  const topics: readonly Topic[] = ['run', 'state', 'index', 'branches', 'focus']
  for (const topic of topics)
    bench.topics.on([topic], () => {
      if (bench.branch !== undefined && shown.topics.includes(topic)) draw()
    })
  show(shown.id)
  return {
    element: h('aside', { class: 'inspect', 'aria-label': 'Inspector' }, list, place),
    sheets,
    show,
  }
}
