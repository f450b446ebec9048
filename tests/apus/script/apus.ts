/** What stories say about APUS: its setup, its notes, and conditions on its replicas. */
import { bank } from '../../../protocol/apus/bank.js'
import { keyValueStore } from '../../../protocol/apus/key-value-store.js'
import type { ApusLayouts, ReplicaView } from '../../../protocol/apus/layout.js'
import { apus } from '../../../protocol/apus/index.js'
import { replicaRoles } from '../../../protocol/apus/roles.js'
import { MOST_CLIENTS, MOST_OPERATIONS } from '../../../protocol/apus/workload.js'
import { type Draw, type Knobs, type SystemDefinition, statusNames } from '../../../protocol/index.js'
import { Random } from '../../../sim/random.js'
import { type Setup, defaultSetup } from '../../../sim/run/setup.js'
import { NodeStatus } from '../../../sim/world/node-parts.js'
import type { Note } from './scribe.js'
import type { Stage } from './stage.js'
import { type Story, StoryError } from './story.js'

// ---- the setup

const durabilities = ['memory', 'disk']
const readModes = ['log', 'confirmed']
const applications = ['store', 'bank']
const words: Readonly<Record<string, readonly string[]>> = {
  durability: durabilities,
  reads: readModes,
  application: applications,
}
const numbers = ['window', 'retained']
const knobs: Readonly<Record<string, readonly string[]>> = {
  poll: ['atomic', 'loads'],
  placement: ['in-order', 'shuffled-in-packet', 'shuffled'],
  fetch: ['at-departure', 'early', 'by-word'],
  visibility: ['lagging', 'prompt'],
  psn: ['derived', 'constant'],
}
export const settingNames: readonly string[] = [
  'nodes',
  ...Object.keys(words),
  ...numbers,
  ...Object.keys(knobs),
]

/** `client 0 put k0 101`, with `in 3 words` for a longer value. */
const clientStep = /^client (\d) (?!asks again)(\S.*?)(?: in (\d) words?)?$/

export function operationOf(text: string): { readonly client: number; readonly text: string } | undefined {
  const found = clientStep.exec(text)
  return found === null ? undefined : { client: Number(found[1]), text: found[2]! }
}

/** The setup that a story asks for, and the system with its clients doing what the story says. */
export function castOf(
  story: Story,
  bug: string | undefined,
): { definition: SystemDefinition; setup: Setup } {
  const parameters: Record<string, number> = { ...defaultSetup(apus).parameters }
  const chosen: Record<string, string> = {}
  let nodes = apus.nodes.default
  for (const { line, name, value } of story.settings) {
    const values = words[name] ?? knobs[name]
    const place = values?.indexOf(value) ?? Number(value)
    if (values !== undefined ? place < 0 : !Number.isInteger(place) || place < 1)
      throw new StoryError(
        story.file,
        line,
        `"${value}" is no value of ${name}`,
        values === undefined ? 'Write a whole number from 1 on' : `Choose one of: ${values.join(', ')}`,
      )
    if (name === 'nodes') nodes = place
    else if (knobs[name] !== undefined) chosen[name] = value
    else parameters[name] = place
  }
  const scripts = scriptsOf(story, parameters['application'] ?? 0)
  parameters['clients'] = Math.max(1, scripts.length)
  parameters['operations'] = Math.max(1, ...scripts.map(({ length }) => length))
  const { draw, check } = scriptedDraw(story, scripts, parameters['application'] ?? 0)
  const definition: SystemDefinition = {
    ...apus,
    build(choice) {
      const model = apus.build({ ...choice, draw: draw() })
      check(
        model.workload!.clients.map(({ script }) => script),
        model.workload!.describeRequest.bind(model.workload),
      )
      // Each client does as much as the story says, and then is done.
      const clients = model.workload!.clients.map((client, i) => ({
        ...client,
        script: client.script.slice(0, scripts[i]?.length ?? 0),
      }))
      return { ...model, workload: { ...model.workload!, clients } }
    },
  }
  const { safety } = apus.build({ nodes, parameters, bug: undefined, draw: draw() }).atlas
  const setup: Setup = {
    ...defaultSetup(apus),
    bug,
    nodes,
    parameters,
    knobs: { ...defaultSetup(apus).knobs, ...(chosen as Partial<Knobs>) },
    budget: safety,
  }
  return { definition, setup }
}

interface Wanted {
  readonly line: number
  readonly text: string
  readonly words: number
}

function scriptsOf(story: Story, application: number): Wanted[][] {
  const scripts: Wanted[][] = []
  for (const { line, text } of story.steps) {
    const found = clientStep.exec(text)
    if (found === null) continue
    const client = Number(found[1])
    if (client >= MOST_CLIENTS)
      throw new StoryError(
        story.file,
        line,
        `there is no client ${client}`,
        `They are 0 to ${MOST_CLIENTS - 1}`,
      )
    while (scripts.length <= client) scripts.push([])
    const words =
      found[3] === undefined ? (/^get/.test(found[2]!) || application !== 0 ? 0 : 1) : Number(found[3])
    scripts[client]!.push({ line, text: found[2]!, words })
    if (scripts[client]!.length > MOST_OPERATIONS)
      throw new StoryError(
        story.file,
        line,
        `client ${client} does more than ${MOST_OPERATIONS} things`,
        'Let another client do some',
      )
  }
  return scripts
}

/**
 * Clients draw what they do. This is the draw that makes them do what a story says: for each operation draws are tried
 * until it comes out as wanted, and are then remembered.
 */
function scriptedDraw(story: Story, scripts: readonly (readonly Wanted[])[], application: number) {
  const store = keyValueStore(2, 3)
  const drawn = application === 0 ? store : bank(3)
  const random = new Random(1)
  const numbers: number[] = []
  for (let position = 0; position < MOST_OPERATIONS; position++)
    for (let client = 0; client < MOST_CLIENTS; client++) {
      const wanted = scripts[client]?.[position]
      const tries = 40_000
      const examples = new Set<string>()
      let isFound = false
      for (let k = 0; k < tries && !isFound; k++) {
        const own: number[] = []
        const recording: Draw = {
          between(minimum, maximum) {
            own.push(random.between(minimum, maximum))
            return own.at(-1)!
          },
        }
        const operation = drawn.drawOperation(recording, client, position)
        const text = drawn.describeRequest(operation)
        examples.add(text)
        const valueWords = application === 0 ? (operation.length - 8) / 8 : 0
        isFound =
          wanted === undefined ||
          (text === wanted.text && (valueWords === wanted.words || text.startsWith('get')))
        if (isFound) numbers.push(...own)
      }
      if (!isFound)
        throw new StoryError(
          story.file,
          wanted!.line,
          `client ${client} cannot "${wanted!.text}" as number ${position + 1} of what it does`,
          `It can, for instance: ${[...examples].sort().slice(0, 12).join(', ')}`,
        )
    }
  return {
    draw(): Draw {
      let at = 0
      return { between: () => numbers[at++] ?? 0 }
    },
    check(built: readonly (readonly Uint8Array[])[], describe: (operation: Uint8Array) => string): void {
      scripts.forEach((script, client) => {
        script.forEach(({ line, text }, position) => {
          const operation = built[client]?.[position]
          if (operation !== undefined && describe(operation) === text) return
          throw new StoryError(
            story.file,
            line,
            `the system has built its clients differently from how stories draw them`,
            'Make the applications of this file those of protocol/apus/system.ts',
          )
        })
      })
    },
  }
}

// ---- notes

const aboutClients = ['duplicate', 'replied', 'redirected', 'turned-away', 'full']
const aboutStatus = ['disk-failed']
const aboutNodes = ['resent', 'link-up', 'link-down', 'read-denied']

export function describeNote({ name, value }: Note): string {
  if (aboutClients.includes(name)) return `${name} c${value}`
  if (aboutNodes.includes(name)) return `${name} n${value}`
  if (aboutStatus.includes(name)) return `${name} (${statusNames[value] ?? '?'})`
  return `${name} ${value}`
}

// ---- replicas

function stateOf(stage: Stage, node: number): ReplicaView {
  const layout = stage.world.model.cores[node]!.state as ApusLayouts['state']
  return stage.run.judge.observer.state(node, layout)
}

function roleOf(stage: Stage, node: number): string {
  return replicaRoles.stateNames[stateOf(stage, node).role] ?? '?'
}

/** What can be compared with a number: the view, and how far things have got. */
const gauges: Readonly<Record<string, (state: ReplicaView) => number>> = {
  view: (state) => state.view,
  end: (state) => state.end,
  stored: (state) => state.stored,
  committed: (state) => state.commit,
  applied: (state) => state.machine.applied,
}

const conditionNames: Readonly<Record<number, string>> = {
  [NodeStatus.down]: 'down',
  [NodeStatus.paused]: 'paused',
  [NodeStatus.halted]: 'halted',
  [NodeStatus.dying]: 'dying',
}

/** One line about each replica. */
export function describeReplicas(stage: Stage): readonly string[] {
  return stage.world.nodes.map((node) => {
    const { index } = node
    const condition = conditionNames[node.status()]
    if (condition === 'down') return `n${index} down`
    const { view, head, end, endView, stored, commit, machine } = stateOf(stage, index)
    const role = `${roleOf(stage, index)}${condition === undefined ? '' : ` (${condition})`}`
    const first = Math.max(1, head)
    const log = end < first ? 'log empty' : `log ${first}-${end} (last of view ${endView})`
    const committed = `committed ${commit}${machine.applied === commit ? '' : ` (applied ${machine.applied})`}`
    return `n${index} ${role}, view ${view}, ${log}, stored ${stored}, ${committed}`
  })
}

export type Condition = () => boolean
interface Facts {
  readonly stage: Stage
  /** Notes that count. */
  notes(): readonly Note[]
  lastReply(client: number): string | undefined
}

const nodesIn = (text: string): number[] => [...text.matchAll(/\bn(\d)/g)].map((found) => Number(found[1]))

/** What a condition may look like, for error messages. */
export const conditionForms =
  'Conditions: "n1 leads", "n1 leads view 4", "n1 is follower", "applied 3 at n0 n1" (or view, end, stored, committed; "exactly 3"), "client 0 answered", "client 0 answered value 101", "n1 notes torn", "n1 notes accepted 3", "possible ACTION", "converged"; "not" before one, "and" between them'

/** Reads a condition; undefined when it is none. */
export function conditionOf(text: string, facts: Facts): Condition | undefined {
  const parts = text.split(' and ').map((part) => oneConditionOf(part.trim(), facts))
  if (parts.includes(undefined)) return undefined
  return () => parts.every((part) => part!())
}

function oneConditionOf(text: string, facts: Facts): Condition | undefined {
  const { stage } = facts
  const { world, run } = stage
  if (nodesIn(text).some((node) => node >= world.nodeCount)) return undefined
  if (text.startsWith('not ')) {
    const condition = oneConditionOf(text.slice(4), facts)
    return condition === undefined ? undefined : () => !condition()
  }
  if (text === 'converged') return () => run.judge.goalReached()
  let found = /^n(\d) leads(?: view (\d+))?$/.exec(text)
  if (found !== null) {
    const [, node, view] = found.map(Number)
    return () =>
      isUp(stage, node!) &&
      roleOf(stage, node!) === 'leader' &&
      (Number.isNaN(view) || stateOf(stage, node!).view === view)
  }
  found = /^n(\d) is (\S+)$/.exec(text)
  if (found !== null) {
    const node = Number(found[1])
    const name = found[2]!
    if (Object.values(conditionNames).includes(name))
      return () => conditionNames[world.nodes[node]!.status()] === name
    if (!(replicaRoles.stateNames as readonly string[]).includes(name)) return undefined
    return () => isUp(stage, node) && roleOf(stage, node) === name
  }
  found = /^(\w+) (exactly )?(\d+) at ((?:n\d ?)+)$/.exec(text)
  const gauge = gauges[found?.[1] ?? '']
  if (found !== null && gauge !== undefined) {
    const wanted = Number(found[3])
    const isExact = found[2] !== undefined
    const nodes = nodesIn(found[4]!)
    return () =>
      nodes.every((node) => {
        const value = gauge(stateOf(stage, node))
        return isExact ? value === wanted : value >= wanted
      })
  }
  found = /^client (\d) answered(?: (.+))?$/.exec(text)
  if (found !== null) {
    const client = Number(found[1])
    const reply = found[2]
    return () =>
      !world.clients!.isPending(client) &&
      facts.lastReply(client) !== undefined &&
      (reply === undefined || facts.lastReply(client) === reply)
  }
  found = /^n(\d) notes ([\w-]+)(?: (\d+))?$/.exec(text)
  if (found !== null) {
    const node = Number(found[1])
    const [, , name, value] = found
    if (!world.nodes[node]!.definition.notes.includes(name!)) return undefined
    return () =>
      facts
        .notes()
        .some(
          (note) =>
            note.node === node && note.name === name && (value === undefined || note.value === Number(value)),
        )
  }
  found = /^possible (\S+ \S+)(?: (.+))?$/.exec(text)
  if (found !== null) {
    const site = stage.siteNamed(found[1]!)
    const choiceWords = found[2] ?? ''
    return site === undefined ? undefined : () => stage.choiceOf(site, choiceWords) >= 0
  }
  return undefined
}

function isUp(stage: Stage, node: number): boolean {
  return conditionNames[stage.world.nodes[node]!.status()] === undefined
}
