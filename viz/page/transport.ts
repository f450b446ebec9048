/** Playing, stepping and jumping, and where the cursor is. */
import type { Commands } from './commands.js'
import { icon } from './diagram/focus-layer.js'
import { type Child, fill, h } from './dom.js'
import { sign } from './signs.js'
import type { Workbench } from './workbench.js'

/** A button for a command; what is on it is a sign, its name is the command's title. */
export function commandButton(commands: Commands, id: string, on: Child): HTMLButtonElement {
  return h(
    'button',
    {
      id: `do-${id}`,
      title: commands.hint(id),
      // What one reads on a button must be part of its name.
      'aria-label': typeof on === 'string' && /\w/.test(on) ? false : commands.get(id).title,
      on: {
        click: () => {
          commands.get(id).run()
        },
      },
    },
    on,
  )
}

/** With the signs of the diagram, where ✗ is a violation and a fault has the shape of its family. */
const jumps = [
  ['fault', ''],
  ['role', '⚑'],
  ['commit', '✓'],
  ['invariant', '≠'],
] as const

export function makeTransport(bench: Workbench, commands: Commands): HTMLElement {
  const button = (id: string, on: Child): HTMLButtonElement => commandButton(commands, id, on)
  const play = button('play', sign('play'))
  const speed = h('span', { class: 'quiet', id: 'speed' })
  const position = h('span', { class: 'position', id: 'position' })
  let wasPlaying = false
  const show = (): void => {
    if (bench.playing !== wasPlaying) {
      wasPlaying = bench.playing
      fill(play, sign(wasPlaying ? 'pause' : 'play'))
    }
    play.setAttribute('aria-pressed', String(bench.playing))
    speed.textContent = `${String(bench.player.getSnapshot().context.speed)}/s`
    fill(position, h('b', {}, String(bench.at)), ` of ${String(bench.length)}`)
  }
  bench.topics.on(['play', 'cursor', 'run', 'index'], show)
  show()
  return h(
    'div',
    { class: 'transport', role: 'group', 'aria-label': 'Movement' },
    button('first', sign('first')),
    button('back', sign('back')),
    play,
    button('forward', sign('forward')),
    button('last', sign('last')),
    position,
    button('slower', '−'),
    speed,
    button('faster', '+'),
    ...jumps.map(([id, mark]) =>
      h(
        'span',
        { class: 'jump', role: 'group', 'aria-label': `By ${id}` },
        button(`previous-${id}`, '‹'),
        h('span', { class: 'quiet' }, mark === '' ? icon('fault') : mark, ` ${id}`),
        button(`next-${id}`, '›'),
      ),
    ),
  )
}

/** How close one looks, in the corner of the diagram. */
export function makeZoom(commands: Commands): HTMLElement {
  return h(
    'div',
    { class: 'corner', role: 'group', 'aria-label': 'Zoom' },
    commandButton(commands, 'zoom-out', sign('farther')),
    commandButton(commands, 'zoom-in', sign('closer')),
    commandButton(commands, 'zoom-all', sign('whole')),
  )
}
