/** A role machine as a state chart: states on a circle, legal changes between them, the active state filled. */
import { type AnyStateMachine, createMachine } from 'xstate'
import type { RoleMachineInfo } from '../../session/protocol.js'
import { svg } from '../dom.js'

const width = 340
const machines = new Map<string, AnyStateMachine>()

/** The machine of a role, made of the plain data that the core's own table is compiled from. */
function machineOf(info: RoleMachineInfo): AnyStateMachine {
  const key = JSON.stringify(info)
  let machine = machines.get(key)
  if (machine === undefined) {
    const { id, initial, states } = info
    machine = createMachine({ id, initial, states: structuredClone(states) as Record<string, object> })
    machines.set(key, machine)
  }
  return machine
}

/** @param before the state before the last action; the change is emphasised where it is another one */
export function roleChart(info: RoleMachineInfo, active: string, before: string): SVGSVGElement {
  const machine = machineOf(info)
  const names = Object.keys(machine.states)
  const height = names.length <= 2 ? 90 : Math.min(260, 90 + names.length * 26)
  const places = new Map(
    names.map((name, index) => {
      const angle =
        (index / names.length) * 2 * Math.PI - Math.PI / 2 + (names.length === 2 ? Math.PI / 2 : 0)
      return [
        name,
        {
          x: width / 2 + (width / 2 - 62) * Math.cos(angle),
          y: height / 2 + (height / 2 - 22) * Math.sin(angle),
        },
      ]
    }),
  )
  const events = (name: string): string => (machine.states[name]?.ownEvents ?? []).join(', ')
  const picture = svg('svg', {
    width: '100%',
    viewBox: `0 0 ${String(width)} ${String(height)}`,
    role: 'img',
    'aria-label': `Role machine ${info.id}: ${active} is active. It takes ${events(active) || 'nothing'}.`,
    class: 'roles',
  })
  const edges = new Map<string, { from: string; to: string; events: string[] }>()
  for (const [from, state] of Object.entries(info.states))
    for (const [event, to] of Object.entries(state.on ?? {})) {
      const edge = edges.get(`${from} ${to}`) ?? { from, to, events: [] }
      edge.events.push(event)
      edges.set(`${from} ${to}`, edge)
    }
  for (const { from, to, events: its } of edges.values()) {
    if (from === to) continue
    const [a, b] = [places.get(from)!, places.get(to)!]
    const isTaken = from === before && to === active && before !== active
    const possible = from === active
    const path = svg('path', {
      d: curve(a, b),
      fill: 'none',
      stroke: isTaken ? 'var(--accent)' : possible ? 'var(--ink)' : 'var(--line)',
      'stroke-width': isTaken ? 2.5 : 1.2,
    })
    path.append(svg('title', {}, `${from} → ${to}: ${its.join(', ')}`))
    picture.append(path, arrowHead(a, b, isTaken ? 'var(--accent)' : possible ? 'var(--ink)' : 'var(--line)'))
  }
  for (const [name, { x, y }] of places) {
    const half = Math.max(28, name.length * 3.8 + 8)
    const box = svg('rect', {
      x: x - half,
      y: y - 13,
      width: half * 2,
      height: 26,
      rx: 13,
      fill: name === active ? 'var(--accent)' : 'var(--raised)',
      stroke: name === active || name === before ? 'var(--accent)' : 'var(--line)',
    })
    box.append(svg('title', {}, `${name} takes ${events(name) || 'nothing'}`))
    const text = svg('text', { x, y: y + 4, 'text-anchor': 'middle' }, name)
    text.style.fill = name === active ? 'var(--on-accent)' : 'var(--ink)'
    picture.append(box, text)
  }
  return picture
}

interface Place {
  readonly x: number
  readonly y: number
}

/** Bent to one side, so that there and back are two lines. */
function bend(a: Place, b: Place): Place {
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  const length = Math.hypot(dx, dy) || 1
  return { x: (a.x + b.x) / 2 - (dy / length) * 16, y: (a.y + b.y) / 2 + (dx / length) * 16 }
}
function curve(a: Place, b: Place): string {
  const by = bend(a, b)
  return `M${String(a.x)},${String(a.y)}Q${String(by.x)},${String(by.y)} ${String(b.x)},${String(b.y)}`
}
/** In the middle of the curve: its ends are under the boxes of the states. */
function arrowHead(a: Place, b: Place, colour: string): SVGPathElement {
  const by = bend(a, b)
  const x = a.x * 0.16 + by.x * 0.48 + b.x * 0.36
  const y = a.y * 0.16 + by.y * 0.48 + b.y * 0.36
  const turn = (Math.atan2(b.y - by.y, b.x - by.x) * 180) / Math.PI
  return svg('path', {
    d: 'M-4,-4L5,0L-4,4Z',
    fill: colour,
    transform: `translate(${String(x)},${String(y)}) rotate(${String(turn)})`,
  })
}
