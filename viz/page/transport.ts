/** Playing, stepping and jumping, and where the cursor is. */
import { fill, h } from './dom.js'
import { searchBox } from './search.js'
import type { Workbench } from './workbench.js'
import type { Commands } from './commands.js'

/** A button for a command; its words are a sign, its name is the command's title. */
export function commandButton(
  commands: Commands,
  id: string,
  sign: string,
  plain = false,
): HTMLButtonElement {
  return h(
    'button',
    {
      id: `do-${id}`,
      class: plain ? 'plain' : false,
      title: commands.hint(id),
      'aria-label': commands.get(id).title,
      on: {
        click: () => {
          commands.get(id).run()
        },
      },
    },
    sign,
  )
}

export function makeTransport(bench: Workbench, commands: Commands): HTMLElement {
  const button = (id: string, sign: string): HTMLButtonElement => commandButton(commands, id, sign)
  const play = button('play', '▶')
  const speed = h('span', { class: 'quiet', id: 'speed' })
  const position = h('span', { class: 'position', id: 'position' })
  const show = (): void => {
    play.textContent = bench.playing ? '❚❚' : '▶'
    play.setAttribute('aria-pressed', String(bench.playing))
    speed.textContent = `${String(bench.player.getSnapshot().context.speed)}/s`
    fill(position, h('b', {}, String(bench.at)), ` of ${String(bench.length)}`)
  }
  bench.topics.on(['play', 'cursor', 'run', 'index'], show)
  show()
  return h(
    'div',
    { class: 'transport', role: 'group', 'aria-label': 'Movement' },
    button('first', '⏮'),
    button('back', '◀'),
    play,
    button('forward', '▶|'),
    button('last', '⏭'),
    position,
    button('slower', '−'),
    speed,
    button('faster', '+'),
    h('span', { class: 'gap' }),
    ...[
      ['fault', '✗', 'fault'],
      ['role', '⚑', 'role'],
      ['commit', '✓', 'commit'],
      ['invariant', '≠', 'invariant'],
    ].map(([id, sign, words]) =>
      h(
        'span',
        { class: 'jump', role: 'group', 'aria-label': `By ${words!}` },
        button(`previous-${id!}`, '‹'),
        h('span', { class: `sign sign-${id!}`, title: words! }, `${sign!} ${words!}`),
        button(`next-${id!}`, '›'),
      ),
    ),
    h('span', { class: 'grow' }),
    searchBox(bench),
    button('zoom-out', '⊖'),
    button('zoom-in', '⊕'),
    button('zoom-all', '⤢'),
  )
}
