/** Every command of the page, with its keys. */
import type { SeekTarget } from '../session/protocol.js'
import type { Command, Commands } from './commands.js'
import type { Diagram } from './diagram/diagram.js'
import { showHelp, showShare } from './dialogs.js'
import { byId } from './dom.js'
import { pickFile, pickFolder, saveTrace } from './files.js'
import { showFresh } from './fresh.js'
import type { Inspector } from './inspector.js'
import { exploreFrom } from './sheets/next-sheet.js'
import { chooseTheme } from './theme.js'
import type { Tour } from './tour.js'
import type { Workbench } from './workbench.js'

interface Parts {
  readonly bench: Workbench
  readonly diagram: Diagram
  readonly inspector: Inspector
  readonly tour: Tour
}

export function addCommands(commands: Commands, { bench, diagram, inspector, tour }: Parts): void {
  const add = (
    group: string,
    id: string,
    title: string,
    keys: readonly string[],
    run: () => void,
  ): Command => {
    const command = { id, group, title, keys, run }
    commands.add(command)
    return command
  }
  const go = (at: () => number) => () => {
    bench.go(at())
  }

  const play = 'Play'
  add(play, 'play', 'Play or pause', [' '], () => {
    bench.player.send({ type: 'toggle' })
  })
  add(play, 'slower', 'Slower', ['-'], () => {
    bench.player.send({ type: 'slower' })
  })
  add(play, 'faster', 'Faster', ['+', '='], () => {
    bench.player.send({ type: 'faster' })
  })

  const move = 'Move'
  add(
    move,
    'forward',
    'One action forward',
    ['ArrowRight', 'l'],
    go(() => bench.at + 1),
  )
  add(
    move,
    'back',
    'One action back',
    ['ArrowLeft', 'h'],
    go(() => bench.at - 1),
  )
  add(
    move,
    'forward-ten',
    'Ten actions forward',
    ['Shift+ArrowRight'],
    go(() => bench.at + 10),
  )
  add(
    move,
    'back-ten',
    'Ten actions back',
    ['Shift+ArrowLeft'],
    go(() => bench.at - 10),
  )
  add(
    move,
    'first',
    'To the start',
    ['Home'],
    go(() => 0),
  )
  add(
    move,
    'last',
    'To the end',
    ['End'],
    go(() => bench.length),
  )

  const jump = 'Jump'
  const jumps: readonly (readonly [id: SeekTarget, words: string, next: string, previous: string])[] = [
    ['fault', 'fault', 'f', 'F'],
    ['role', 'role change', 'r', 'R'],
    ['commit', 'commit', 'c', 'C'],
    ['invariant', 'change of an invariant', 'i', 'I'],
    ['message', 'message', 'm', 'M'],
    ['violation', 'violation', 'v', 'V'],
  ]
  for (const [target, words, next, previous] of jumps) {
    add(jump, `next-${target}`, `Next ${words}`, [next], () => void bench.seek(target, 1))
    add(jump, `previous-${target}`, `Previous ${words}`, [previous], () => void bench.seek(target, -1))
  }
  const nodeHere = (): number => Math.max(0, bench.state?.previous?.node ?? 0)
  add(jump, 'next-node', 'Next action of the same node', ['n'], () => void bench.seek('node', 1, nodeHere()))
  add(
    jump,
    'previous-node',
    'Previous action of the same node',
    ['N'],
    () => void bench.seek('node', -1, nodeHere()),
  )
  add(jump, 'bookmark', 'Set or remove a bookmark', ['b'], () => {
    bench.toggleBookmark()
  })
  add(jump, 'next-bookmark', 'Next bookmark', ['B'], () => {
    const next = bench.bookmarks.find((at) => at > bench.at) ?? bench.bookmarks[0]
    if (next !== undefined) bench.go(next)
    else bench.say('no bookmark yet: b sets one')
  })

  const look = 'Look'
  add(look, 'zoom-in', 'Look closer', ['ArrowUp', 'z'], () => {
    diagram.zoomBy(1.6)
  })
  add(look, 'zoom-out', 'See more', ['ArrowDown', 'x'], () => {
    diagram.zoomBy(1 / 1.6)
  })
  add(look, 'zoom-all', 'See the whole run', ['0'], () => {
    diagram.showAll()
  })
  add(look, 'show-cursor', 'Show the cursor', ['.'], () => {
    diagram.showCursor()
  })
  add(look, 'pan-left', 'Pan to earlier', ['['], () => {
    diagram.panBy(-0.4)
  })
  add(look, 'pan-right', 'Pan to later', [']'], () => {
    diagram.panBy(0.4)
  })
  for (const [index, sheet] of inspector.sheets.entries())
    add(look, `sheet-${sheet.id}`, sheet.title, [String(index + 1)], () => {
      inspector.show(sheet.id)
    })
  add(look, 'cause', 'Highlight cause and consequence', ['s'], () => {
    if (bench.at > 0) void bench.select(bench.at - 1)
  })
  add(look, 'search', 'Search', ['/'], () => {
    const field = document.getElementById('search')
    if (field !== null) field.focus()
  })
  add(look, 'clear', 'Clear highlight and filter, leave the tour', ['Escape'], () => {
    if (tour.active) tour.end()
    bench.clearFocus()
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    byId('stage').focus()
  })

  const bend = 'Bend'
  add(bend, 'hunt', 'Hunt for a violation from here', ['e'], () => void exploreFrom(bench))
  add(bend, 'save', 'Save this branch as a trace', ['Ctrl+s'], () => {
    if (bench.branch !== undefined) void saveTrace(bench, bench.branch.branch)
  })
  add(bend, 'share', 'Save or share', ['S'], () => void showShare(bench))

  const page = 'Page'
  add(page, 'open', 'Open a trace or a recording', ['o'], () => {
    pickFile(bench)
  })
  add(page, 'open-folder', 'Open the folder of a recording', ['O'], () => {
    pickFolder(bench)
  })
  add(page, 'fresh', 'Start a fresh run', ['w'], () => {
    showFresh(bench)
  })
  add(page, 'gallery', 'Gallery', ['g', 'G'], () => {
    tour.end()
    bench.leave()
  })
  add(page, 'tour', 'Take the tour', ['t'], () => void tour.begin())
  add(page, 'theme', 'Light or dark', ['d'], () => {
    chooseTheme()
    diagram.restyle()
  })
  add(page, 'help', 'Keys', ['?'], () => {
    showHelp(commands)
  })
}
