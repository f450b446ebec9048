/** Playing a run: an xstate machine, so that every mix of play, pause, scrub and end is named and none is forgotten. */
import { assign, setup } from 'xstate'

export interface PlaybackContext {
  /** Actions taken at the cursor: 0 is the start, `length` the end. */
  readonly cursor: number
  readonly length: number
  /** Actions per second. */
  readonly speed: number
  /** Part of an action that is left over from the last frame. */
  readonly rest: number
}

export type PlaybackEvent =
  | { readonly type: 'opened'; readonly length: number; readonly cursor: number }
  | { readonly type: 'grown'; readonly length: number }
  | { readonly type: 'play' }
  | { readonly type: 'pause' }
  | { readonly type: 'toggle' }
  | { readonly type: 'go'; readonly cursor: number }
  | { readonly type: 'frame'; readonly elapsedMs: number }
  | { readonly type: 'faster' }
  | { readonly type: 'slower' }

/** Actions per second that one can choose. */
export const speeds = [1, 2, 5, 10, 25, 60, 200, 1000, 5000] as const

const within = (cursor: number, length: number): number =>
  Math.max(0, Math.min(length, Number.isNaN(cursor) ? 0 : Math.round(cursor)))

const beside = (speed: number, by: number): number =>
  speeds[Math.max(0, Math.min(speeds.length - 1, speeds.indexOf(speed as (typeof speeds)[number]) + by))]!

export const playback = setup({
  types: { context: {} as PlaybackContext, events: {} as PlaybackEvent },
  guards: {
    atEnd: ({ context }) => context.cursor >= context.length,
    empty: ({ context }) => context.length === 0,
  },
  actions: {
    open: assign(({ event, context }) =>
      event.type === 'opened'
        ? { length: event.length, cursor: within(event.cursor, event.length), rest: 0 }
        : context,
    ),
    grow: assign(({ event, context }) =>
      event.type === 'grown'
        ? { length: event.length, cursor: within(context.cursor, event.length) }
        : context,
    ),
    go: assign(({ event, context }) =>
      event.type === 'go' ? { cursor: within(event.cursor, context.length), rest: 0 } : context,
    ),
    rewind: assign({ cursor: 0, rest: 0 }),
    advance: assign(({ event, context }) => {
      if (event.type !== 'frame') return context
      const due = context.rest + (event.elapsedMs / 1000) * context.speed
      return { cursor: within(context.cursor + Math.floor(due), context.length), rest: due % 1 }
    }),
    faster: assign({ speed: ({ context }) => beside(context.speed, 1) }),
    slower: assign({ speed: ({ context }) => beside(context.speed, -1) }),
  },
}).createMachine({
  id: 'playback',
  context: { cursor: 0, length: 0, speed: 10, rest: 0 },
  initial: 'paused',
  on: {
    opened: { target: '.paused', actions: 'open' },
    faster: { actions: 'faster' },
    slower: { actions: 'slower' },
  },
  states: {
    paused: {
      on: {
        grown: { actions: 'grow' },
        go: { actions: 'go' },
        play: [
          { guard: 'empty' },
          { guard: 'atEnd', target: 'playing', actions: 'rewind' },
          { target: 'playing' },
        ],
        toggle: [
          { guard: 'empty' },
          { guard: 'atEnd', target: 'playing', actions: 'rewind' },
          { target: 'playing' },
        ],
      },
    },
    playing: {
      always: { guard: 'atEnd', target: 'paused' },
      on: {
        frame: { actions: 'advance' },
        grown: { actions: 'grow' },
        pause: 'paused',
        toggle: 'paused',
        // Whoever goes somewhere wants to look at it.
        go: { target: 'paused', actions: 'go' },
      },
    },
  },
})
