/**
 * Headers and violations as JSON. Reading checks everything: types, ranges, names; what it returns is what the types
 * say. An unlimited fault budget is written as "unlimited", because JSON knows no Infinity.
 */
import { type FaultKind, faultKinds, ruleNames } from '../../protocol/index.js'
import type { ViolationKind } from '../run/judge.js'
import type { Setup } from '../run/setup.js'
import { Unknown } from './check.js'
import { TraceError } from './errors.js'
import { type TraceHeader, type TracedViolation, traceFormatVersion } from './trace.js'

const mostSites = 0x10000
const mostParts = 0x10000
const mostPartBytes = 1 << 28
const violationKinds: readonly ViolationKind[] = [
  'invariant',
  'step',
  'role',
  'history',
  'assertion',
  'crash',
  'hidden-state',
  'liveness',
]

export function headerToJson(header: TraceHeader): unknown {
  const { setup } = header
  return {
    ...header,
    setup: {
      ...setup,
      budget: Object.fromEntries(
        Object.entries(setup.budget).map(([kind, most]) => [kind, most === Infinity ? 'unlimited' : most]),
      ),
    },
  }
}

export function headerFromJson(json: Unknown): TraceHeader {
  const field = json.fields([
    'formatVersion',
    'createdBy',
    'system',
    'modulePath',
    'setup',
    'provenance',
    'codeFingerprint',
    'fingerprintEvery',
    'sites',
    'parts',
  ])
  const modulePath = field('modulePath').optional((value) => value.string())
  const sites = field('sites')
    .array(mostSites)
    .map((site) => site.string())
  const seen = new Set<string>()
  for (const name of sites)
    if (seen.size === seen.add(name).size)
      throw new TraceError(
        'invalid',
        field('sites').path,
        `two sites are called ${JSON.stringify(name)}`,
        'Record the trace again.',
      )
  return {
    formatVersion: field('formatVersion').integer(traceFormatVersion, traceFormatVersion),
    createdBy: field('createdBy').string(),
    system: field('system').string(),
    ...(modulePath === undefined ? {} : { modulePath }),
    setup: setupFromJson(field('setup')),
    provenance: field('provenance').record((value) => {
      if (typeof value.value === 'number' && Number.isFinite(value.value)) return value.value
      return value.string()
    }),
    codeFingerprint: field('codeFingerprint').string(),
    fingerprintEvery: field('fingerprintEvery').integer(1, 1 << 24),
    sites,
    parts: field('parts')
      .array(mostParts)
      .map((part) => {
        const of = part.fields(['name', 'layout', 'sizeBytes'])
        return {
          name: of('name').string(),
          layout: of('layout').integer(0, 0xffffffff),
          sizeBytes: of('sizeBytes').integer(0, mostPartBytes),
        }
      }),
  }
}

function setupFromJson(json: Unknown): Setup {
  const field = json.fields([
    'system',
    'bug',
    'nodes',
    'parameters',
    'workloadSeed',
    'knobs',
    'budget',
    'spared',
    'without',
  ])
  const knob = field('knobs').fields(['poll', 'placement', 'fetch', 'visibility', 'psn', 'broken'])
  return {
    system: field('system').string(),
    bug: field('bug').optional((value) => value.string()),
    nodes: field('nodes').integer(1, 1024),
    parameters: field('parameters').record(anyInteger),
    workloadSeed: anyInteger(field('workloadSeed')),
    knobs: {
      poll: knob('poll').oneOf(['atomic', 'loads']),
      placement: knob('placement').oneOf(['in-order', 'shuffled-in-packet', 'shuffled']),
      fetch: knob('fetch').oneOf(['at-departure', 'early', 'by-word']),
      visibility: knob('visibility').oneOf(['lagging', 'prompt']),
      psn: knob('psn').oneOf(['derived', 'constant']),
      broken: knob('broken')
        .array(ruleNames.length)
        .map((rule) => rule.oneOf(ruleNames)),
    },
    budget: byFault(field('budget'), (most) =>
      most.value === 'unlimited' ? Infinity : most.integer(0, Number.MAX_SAFE_INTEGER),
    ),
    spared: byFault(field('spared'), (nodes) => nodes.array(32).map((node) => node.integer(0, 31))),
    without: field('without')
      .array(1024)
      .map((name) => name.string()),
  }
}

const anyInteger = (value: Unknown): number =>
  value.integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

function byFault<T>(json: Unknown, read: (value: Unknown) => T): Readonly<Partial<Record<FaultKind, T>>> {
  json.fields(faultKinds)
  return json.record(read)
}

export function violationFromJson(json: Unknown, actions: number): TracedViolation {
  const field = json.fields(['kind', 'name', 'reason', 'at'])
  return {
    kind: field('kind').oneOf(violationKinds),
    name: field('name').string(),
    reason: field('reason').string(),
    at: field('at').integer(0, actions),
  }
}
