/** What an action looks like: a family has a colour and a shape, so that either alone tells it from the others. */

export const families = [
  'cpu',
  'message',
  'onesided',
  'control',
  'disk',
  'client',
  'fault',
  'repair',
] as const
export type Family = (typeof families)[number]

export const familyTitles: Readonly<Record<Family, string>> = {
  cpu: 'the protocol’s own code',
  message: 'message',
  onesided: 'one-sided read or write',
  control: 'rights, queue pairs',
  disk: 'flush to disk',
  client: 'client',
  fault: 'fault',
  repair: 'repair',
}

const members: Readonly<Record<Exclude<Family, 'fault'>, readonly string[]>> = {
  cpu: ['poll', 'observe', 'store', 'timer', 'tick', 'input'],
  message: ['deliver', 'receive'],
  onesided: ['fetch', 'arrive', 'place', 'answer', 'land', 'complete', 'expire'],
  control: ['control', 'protect', 'overrun', 'teardown'],
  disk: ['flush'],
  client: ['invoke', 'request', 'reply', 'retry', 'abandon'],
  repair: ['restart', 'resume', 'heal', 'mend', 'calm'],
}

/** The family of a kind of action; what is in no other is a fault. */
export function familyOf(kind: string): Family {
  for (const [family, kinds] of Object.entries(members)) if (kinds.includes(kind)) return family as Family
  return 'fault'
}

/** The shape of a family, centred at the origin, within a square of side 2. */
const outlines: Readonly<Record<Family, string>> = {
  cpu: 'M0,-1A1,1 0 1 1 0,1A1,1 0 1 1 0,-1Z',
  message: 'M-0.9,-1L1.1,0L-0.9,1Z',
  onesided: 'M-0.9,-0.9H0.9V0.9H-0.9Z',
  control: 'M0,-1.2L1.2,0L0,1.2L-1.2,0Z',
  disk: 'M-1,-0.5L0,-1L1,-0.5V0.5L0,1L-1,0.5Z',
  client: 'M-1,-0.9H0.3L1.1,0L0.3,0.9H-1L-0.3,0Z',
  fault:
    'M-1.1,-0.6L-0.6,-1.1L0,-0.5L0.6,-1.1L1.1,-0.6L0.5,0L1.1,0.6L0.6,1.1L0,0.5L-0.6,1.1L-1.1,0.6L-0.5,0Z',
  repair: 'M-0.4,-1.1H0.4V-0.4H1.1V0.4H0.4V1.1H-0.4V0.4H-1.1V-0.4H-0.4Z',
}

/** The shape as SVG path data. */
export function outlineOf(family: Family): string {
  return outlines[family]
}

/** Paths for a canvas, made once. */
export function glyphPaths(): Readonly<Record<Family, Path2D>> {
  return Object.fromEntries(families.map((family) => [family, new Path2D(outlines[family])])) as Record<
    Family,
    Path2D
  >
}

/** Colours as the style sheet has them now. */
export interface Colours {
  readonly family: Readonly<Record<Family, string>>
  readonly named: (name: string) => string
}
export function readColours(): Colours {
  const style = getComputedStyle(document.documentElement)
  const named = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  return {
    family: Object.fromEntries(families.map((family) => [family, named(`kind-${family}`)])) as Record<
      Family,
      string
    >,
    named,
  }
}
