/** The start page: what can be opened, and every wrong variant as a card with its story, its trace and the fix. */
import type { SystemInfo, VariantInfo } from '../session/protocol.js'
import { fill, h } from './dom.js'
import { openUrl } from './files.js'
import type { Workbench } from './workbench.js'
import type { Commands } from './commands.js'

export interface StartPage {
  readonly element: HTMLElement
  /** To be called when it is shown: until then there is nothing on it, since whoever opens a trace never sees it. */
  draw(): void
}

const nouns: Readonly<Record<SystemInfo['origin'], string>> = {
  'built-in': 'comes with Aviary',
  module: 'your own',
  litmus: 'litmus program',
}

export function makeStartPage(bench: Workbench, commands: Commands): StartPage {
  let filter = ''
  const cards = h('div', { id: 'gallery', class: 'groups' })
  const field = h('input', {
    type: 'search',
    id: 'gallery-filter',
    placeholder: 'filter the stories',
    'aria-label': 'Filter the gallery',
    on: {
      input: () => {
        filter = field.value.toLowerCase()
        draw()
      },
    },
  })
  const run = (id: string, main = false): HTMLElement =>
    h(
      'button',
      {
        class: main ? 'main' : false,
        on: {
          click: () => {
            commands.get(id).run()
          },
        },
      },
      commands.get(id).title,
    )

  const back = h('button', {
    id: 'back-to-run',
    hidden: true,
    on: {
      click: () => {
        if (bench.left !== undefined) void bench.back(bench.left.branch)
      },
    },
  })

  function draw(): void {
    back.hidden = bench.left === undefined
    back.textContent = `Back to ${bench.left?.title ?? 'the run'}`
    const isMatch = (...texts: readonly string[]): boolean =>
      texts.some((text) => text.toLowerCase().includes(filter))
    const systems = bench.systems.filter((system) => system.origin !== 'litmus')
    const litmus = bench.systems.filter(
      (system) => system.origin === 'litmus' && isMatch(system.name, system.summary, 'litmus programs'),
    )
    const groups = [...systems]
      .sort((a, b) => rank(a) - rank(b))
      .map((system) => ({
        system,
        variants: system.variants.filter((variant) =>
          isMatch(variant.name, variant.story, variant.fix, system.name),
        ),
      }))
      .filter(({ system, variants }) => variants.length > 0 || isMatch(system.name, system.summary))
    fill(
      cards,
      bench.systems.length === 0 ? h('p', { class: 'empty' }, 'Reading what can be run …') : undefined,
      ...groups.map(({ system, variants }) => group(bench, system, variants)),
      litmus.length === 0 ? undefined : litmusGroup(bench, litmus, filter !== ''),
      groups.length + litmus.length === 0 && bench.systems.length > 0
        ? h('p', { class: 'empty' }, `No story has “${filter}” in it.`)
        : undefined,
    )
  }
  bench.topics.on(['gallery'], () => {
    if (cards.isConnected) draw()
  })
  return {
    draw,
    element: h(
      'div',
      { class: 'start', id: 'start' },
      h('div', { id: 'start-failure' }),
      h(
        'section',
        { class: 'hero' },
        h('h2', {}, 'See how a distributed protocol goes wrong, step by step.'),
        h(
          'p',
          {},
          'Aviary runs protocols on simulated machines, RDMA and disks, and finds the orders of events that break them. This page runs such a finding again, with the real code of the protocol: see every state, leave the path anywhere, crash a node, hunt from there. The tour shows one mistake in APUS, which replicates a service by RDMA, and its fix, in eight steps.',
        ),
        h(
          'div',
          { class: 'row' },
          back,
          run('tour', true),
          run('fresh'),
          run('open'),
          h(
            'span',
            { class: 'quiet' },
            'or drop a trace, or the folder of a recording, anywhere on this page',
          ),
        ),
      ),
      h('div', { class: 'row spread' }, h('h2', {}, 'Gallery of mistakes'), field),
      h(
        'p',
        { class: 'quiet' },
        'Each is a few changed lines that a published system has, or invites. Watch how it goes wrong, then what mends it.',
      ),
      cards,
    ),
  }
}

/** A person's own first, then that of the tour, whose mistakes are of RDMA, then the small ones. */
const rank = (system: SystemInfo): number =>
  system.origin === 'module' ? -2 : system.name === 'apus' ? -1 : system.variants.length

function group(bench: Workbench, system: SystemInfo, variants: readonly VariantInfo[]): HTMLElement {
  const right = async (): Promise<void> => {
    await bench.open({ fresh: { system: system.name, seed: 1 } }, 0)
  }
  return h(
    'section',
    { 'aria-label': system.name },
    h(
      'div',
      { class: 'group-head' },
      h('h2', {}, system.name),
      h('span', { class: 'quiet grow' }, `${system.summary} (${nouns[system.origin]})`),
      h('button', { on: { click: () => void right() } }, 'Run it right'),
    ),
    h('div', { class: 'cards' }, ...variants.map((variant) => card(bench, system, variant))),
  )
}

function card(bench: Workbench, system: SystemInfo, variant: VariantInfo): HTMLElement {
  const kept = bench.manifest?.gallery.find(
    (one) => one.system === system.name && one.variant === variant.name,
  )
  const watch = async (): Promise<void> => {
    if (kept !== undefined) await openUrl(bench, kept.url, `${system.name} ${variant.name}`)
    else await findOne(bench, system.name, variant.name)
  }
  return h(
    'article',
    { class: 'card', 'data-variant': `${system.name} ${variant.name}` },
    h('h3', {}, variant.name),
    h('p', {}, variant.story),
    h(
      'p',
      { class: 'quiet' },
      'Breaks ',
      h('code', { class: 'bad' }, variant.caughtBy[0] ?? 'progress'),
      '.',
    ),
    h('details', { class: 'fix' }, h('summary', {}, 'The fix'), h('p', {}, variant.fix)),
    h(
      'div',
      { class: 'row spread' },
      h(
        'button',
        {
          'aria-label': `${kept === undefined ? 'Hunt for it' : 'Watch it fail'}: ${variant.name} of ${system.name}`,
          on: { click: () => void watch() },
        },
        kept === undefined ? 'Hunt for it' : 'Watch it fail',
      ),
    ),
  )
}

/** No trace is kept: a few runs are tried, as a person would with other seeds. Shows the last if none fails. */
export async function findOne(bench: Workbench, system: string, variant: string): Promise<void> {
  const opened = await bench.open({ fresh: { system, variant, seed: 1, actions: 0 } }, 0)
  if (!opened || bench.branch === undefined) return
  const found = await bench.long(`hunting for ${variant}`, 'explore', {
    branch: bench.branch.branch,
    at: 0,
    milliseconds: 30_000,
  })
  if (found === undefined) return
  if (found.found !== null) {
    const short = await bench.long('making it short', 'shrink', { branch: found.found.branch.branch })
    const bent = short ?? found.found
    await bench.showBent(bent, bent.branch.violation?.at ?? bent.branch.length)
  } else bench.say(`${variant} was not caught in ${String(found.runs)} runs`)
}

function litmusGroup(bench: Workbench, programs: readonly SystemInfo[], isOpen: boolean): HTMLElement {
  const start = (name: string): void => {
    void bench.open({ fresh: { system: name, faults: 'none' } }, 0)
  }
  return h(
    'details',
    { open: isOpen },
    h(
      'summary',
      {},
      h('b', {}, `Litmus programs (${String(programs.length)})`),
      h('span', { class: 'quiet' }, ' small programs that show one rule of RDMA each'),
    ),
    h(
      'ul',
      { class: 'litmus' },
      ...programs.map((program) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              class: 'choice',
              title: program.summary,
              on: {
                click: () => {
                  start(program.name)
                },
              },
            },
            program.name,
          ),
        ),
      ),
    ),
  )
}
