/** The frame of the page: header, story, legend, and which of start page and workbench is shown. */
import type { Commands } from './commands.js'
import { icon } from './diagram/focus-layer.js'
import type { Diagram } from './diagram/diagram.js'
import { OverviewStrip } from './diagram/overview.js'
import { type Child, byId, fill, h } from './dom.js'
import { makeStartPage } from './gallery.js'
import type { Inspector } from './inspector.js'
import { type Family, families, familyTitles } from './kinds.js'
import { patch } from './patch.js'
import { searchBox } from './search.js'
import { sign } from './signs.js'
import { commandButton, makeTransport, makeZoom } from './transport.js'
import type { Workbench } from './workbench.js'

export function makeShell(
  bench: Workbench,
  commands: Commands,
  diagram: Diagram,
  inspector: Inspector,
): void {
  drawHeader(bench, commands)
  const overview = new OverviewStrip(bench)
  diagram.element.append(makeZoom(commands))
  diagram.onView = (from, to) => {
    overview.setWindow(from, to)
  }
  new MutationObserver(overview.draw).observe(document.documentElement, {
    attributeFilter: ['data-theme'],
  })
  const story = h('section', { class: 'story', 'aria-label': 'Story' })
  const workbench = h(
    'div',
    { class: 'bench', id: 'bench' },
    h(
      'div',
      { class: 'see' },
      story,
      overview.element,
      legend(bench, diagram),
      diagram.element,
      makeTransport(bench, commands),
    ),
    inspector.element,
  )
  const start = makeStartPage(bench, commands)
  const stage = byId('stage')
  const show = (): void => {
    const isStart = bench.branch === undefined && !bench.isAwaited
    if (bench.branch === undefined) workbench.setAttribute('aria-busy', 'true')
    else workbench.removeAttribute('aria-busy')
    const wanted = isStart ? start.element : workbench
    if (stage.firstElementChild !== wanted) {
      stage.replaceChildren(wanted)
      if (isStart) start.draw()
    }
    // What was opened is looked at next: the keys of the run must not go to the button that opened it.
    if (byId('bar').contains(document.activeElement) || document.activeElement === document.body)
      stage.focus()
    document.title =
      bench.world === undefined
        ? 'Aviary'
        : `${bench.world.system}${bench.world.variant === null ? '' : ` ${bench.world.variant.name}`} · Aviary`
  }
  bench.topics.on(['run'], show)
  bench.topics.on(['run', 'index'], () => {
    drawStory(story, bench)
  })
  bench.topics.on(['failure'], () => {
    drawFailure(bench)
  })
  bench.topics.on(['busy'], () => {
    drawBusy(bench)
  })
}

function drawHeader(bench: Workbench, commands: Commands): void {
  const what = h('p', { class: 'what', id: 'what' })
  const button = (id: string, words: Child): HTMLElement => commandButton(commands, id, words)
  fill(
    byId('bar'),
    h(
      'h1',
      {},
      h(
        'button',
        {
          class: 'plain home',
          title: commands.hint('gallery'),
          on: {
            click: () => {
              commands.get('gallery').run()
            },
          },
        },
        'Aviary',
      ),
    ),
    what,
    button('tour', 'Tour'),
    button('gallery', 'Gallery'),
    button('open', 'Open'),
    button('fresh', 'Fresh run'),
    button('share', 'Save or share'),
    button('theme', sign('theme')),
    button('help', '?'),
  )
  const share = byId('do-share') as HTMLButtonElement
  bench.topics.on(['run', 'index'], () => {
    const { world, branch } = bench
    share.disabled = branch === undefined
    if (world === undefined || branch === undefined) {
      fill(what)
      return
    }
    fill(
      what,
      h('b', {}, world.system),
      world.variant === null ? ' as it should be' : ', wrong variant ',
      world.variant === null ? undefined : h('b', {}, world.variant.name),
      `, ${String(world.nodes.length)} nodes`,
      // A trace that is named for its variant would say it twice.
      world.variant !== null && branch.title.endsWith(world.variant.name) ? '' : ` · ${branch.title}`,
    )
  })
  share.disabled = true
}

/** What shapes and marks mean; a family that is pressed is all that is not dimmed. */
function legend(bench: Workbench, diagram: Diagram): HTMLElement {
  const { columns } = diagram
  const titleOf = (family: Family): string => `${familyTitles[family]} actions`
  const buttons = families.map((family) =>
    h(
      'button',
      {
        class: 'plain',
        'aria-pressed': 'false',
        title: `show ${titleOf(family)} alone`,
        on: {
          click: () => {
            if (bench.focus.title === titleOf(family)) bench.clearFocus()
            else
              bench.setFocus({
                shown: columns.actionsWhere((action) => columns.family(action) === family),
                title: titleOf(family),
              })
          },
        },
      },
      icon(family),
      familyTitles[family],
    ),
  )
  bench.topics.on(['focus', 'run'], () => {
    for (const [index, family] of families.entries())
      buttons[index]!.setAttribute('aria-pressed', String(bench.focus.title === titleOf(family)))
  })
  const mark = (shape: string, words: string, kind = ''): HTMLElement =>
    h('span', {}, h('b', { class: kind }, shape), words)
  const signs = h(
    'div',
    { class: 'signs', id: 'signs', hidden: true },
    ...buttons,
    mark('⚑', 'a role changes'),
    mark('✓', 'a commit', 'good'),
    mark('≠', 'an invariant becomes false, or true again', 'bad'),
    mark('✗', 'violated', 'bad'),
    mark('◇', 'rights or a queue pair change'),
    mark('╱╱', 'the node is not running'),
    mark('┄', 'the way back of a completion'),
    mark('┄∘', 'still in flight at the end'),
    mark('□', 'direct cause'),
    mark('◇', 'direct consequence', 'consequence'),
  )
  const fold = h(
    'button',
    {
      class: 'plain',
      id: 'legend',
      'aria-expanded': 'false',
      'aria-controls': 'signs',
      title: 'what shapes and marks mean; press one to see it alone',
      on: {
        click: () => {
          signs.hidden = !signs.hidden
          fold.setAttribute('aria-expanded', String(!signs.hidden))
        },
      },
    },
    'Signs and filters',
  )
  return h(
    'div',
    { class: 'legend', 'aria-label': 'Legend and search', role: 'group' },
    fold,
    searchBox(bench),
    signs,
  )
}

function drawStory(place: HTMLElement, bench: Workbench): void {
  const { branch, world } = bench
  if (branch === undefined || world === undefined) return
  const { violation } = branch
  const isKnown = branch.known >= branch.length
  patch(
    place,
    h(
      'div',
      { class: 'text', tabindex: 0, role: 'group', 'aria-label': 'What happened' },
      violation === null
        ? h(
            'p',
            {},
            h('b', { class: isKnown ? 'good' : 'quiet' }, isKnown ? '✓ Nothing is violated ' : 'Looking '),
            isKnown
              ? `in these ${String(branch.length)} actions.`
              : `at action ${String(branch.known)} of ${String(branch.length)} …`,
          )
        : h(
            'p',
            {},
            h('b', { class: 'bad' }, `✗ ${violation.name} `),
            `is violated at ${String(violation.at)}: ${violation.reason}`,
          ),
      world.variant === null
        ? undefined
        : h('p', { class: 'quiet variant' }, h('b', {}, `${world.variant.name}: `), world.variant.story),
      ...branch.remarks.slice(0, 3).map((remark) => h('p', { class: 'quiet' }, remark)),
    ),
    violation === null
      ? undefined
      : h(
          'button',
          {
            on: {
              click: () => {
                bench.go(violation.at)
              },
            },
          },
          'Go to it',
        ),
  )
}

/** Failures are told where one looks: above whatever is shown, until they are put away. */
function drawFailure(bench: Workbench): void {
  byId('said').textContent = bench.said
  const { failure } = bench
  document.getElementById('failure')?.remove()
  if (failure !== undefined)
    byId('dialogs').append(
      h(
        'div',
        { class: 'failure', id: 'failure', role: 'alert' },
        h(
          'p',
          {},
          h('b', {}, 'That did not work. '),
          /[.!?]$/.test(failure.message) ? failure.message : `${failure.message}.`,
          failure.mend === '' ? '' : ` ${failure.mend}`,
        ),
        h(
          'button',
          {
            on: {
              click: () => {
                bench.failure = undefined
                drawFailure(bench)
              },
            },
          },
          'Put away',
        ),
      ),
    )
  const toast =
    document.getElementById('toast') ??
    byId('dialogs').appendChild(h('div', { id: 'toast', class: 'toast', 'aria-hidden': 'true' }))
  if (bench.said !== '' && toast.textContent !== bench.said) {
    toast.textContent = bench.said
    toast.classList.add('on')
    setTimeout(() => {
      toast.classList.remove('on')
    }, 4000)
  }
}

function drawBusy(bench: Workbench): void {
  const { busy } = bench
  const old = document.getElementById('busy')
  if (busy === undefined) {
    old?.remove()
    return
  }
  const progress = h('progress', {
    'aria-label': busy.what,
    max: Math.max(1, busy.total),
    value: busy.total === 0 ? undefined : busy.done,
  })
  const words = h('span', {}, `${busy.what} …`)
  if (old !== null) {
    old.firstElementChild?.replaceWith(words)
    old.querySelector('progress')?.replaceWith(progress)
    return
  }
  byId('dialogs').append(
    h(
      'div',
      { class: 'busy', id: 'busy', role: 'status' },
      words,
      progress,
      h('button', { on: { click: () => bench.busy?.cancel() } }, 'Stop'),
    ),
  )
}
