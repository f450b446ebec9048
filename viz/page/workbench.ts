/**
 * What is open, where the cursor is, and what is looked at. Every part of the page reads this and calls it; nothing else
 * holds state that two parts need.
 */
import { createActor } from 'xstate'
import { SessionError } from '../session/protocol.js'
import type {
  ActionRef,
  Bent,
  BranchId,
  BranchInfo,
  KnobInfo,
  Method,
  Methods,
  Opened,
  Progress,
  SeekTarget,
  SessionClient,
  Source,
  StateInfo,
  Step,
  SystemInfo,
  TruthRow,
  ViewManifest,
  WorldInfo,
} from '../session/protocol.js'
import { latest } from './latest.js'
import { playback } from './playback.js'
import type { Contrast } from './right.js'
import { Topics } from './topics.js'

/** What is emphasised in the diagram; what is not is dimmed. Nothing is hidden: a filter shows where things are. */
export interface Focus {
  /** Selected action, or -1. */
  readonly action: number
  readonly past: ReadonlySet<number>
  readonly future: ReadonlySet<number>
  /** What it hangs on directly, the nearest first, and what hangs on it; the rest of past and future is only not dimmed. */
  readonly causes: readonly Step[]
  readonly consequences: readonly Step[]
  /** Actions that a search, a filter or a followed request names; undefined: all. */
  readonly shown: ReadonlySet<number> | undefined
  /** What `shown` is, in words. */
  readonly title: string
  /** Of a followed request: its way in words. */
  readonly stages: readonly Step[]
  /** Whether that way ends in a reply. */
  readonly isAnswered: boolean
}
const noFocus: Focus = {
  action: -1,
  past: new Set(),
  future: new Set(),
  causes: [],
  consequences: [],
  shown: undefined,
  title: '',
  stages: [],
  isAnswered: false,
}

export interface Busy {
  readonly what: string
  readonly done: number
  readonly total: number
  readonly cancel: () => void
}

export class Workbench {
  readonly topics = new Topics()
  readonly client: SessionClient
  readonly player = createActor(playback)

  systems: readonly SystemInfo[] = []
  knobs: readonly KnobInfo[] = []
  faultKinds: readonly string[] = []
  manifest: ViewManifest | undefined

  /** Whether a run is on its way that the address or the server names: its place is there before it. */
  isAwaited = false
  world: WorldInfo | undefined
  branch: BranchInfo | undefined
  /** The state at the cursor; while it is on its way, that of an earlier cursor. */
  state: StateInfo | undefined
  truth: readonly TruthRow[] = []
  branches: readonly BranchInfo[] = []
  focus: Focus = noFocus
  bookmarks: readonly number[] = []
  /** The replica that is looked at in full; undefined: that of the last action. */
  node: number | undefined
  /** Of branches on the right protocol: how they differ from the wrong run. */
  readonly contrasts = new Map<BranchId, Contrast>()
  /** The run that was left for the start page. */
  left: { readonly branch: BranchId; readonly title: string } | undefined
  busy: Busy | undefined
  failure: { readonly message: string; readonly mend: string } | undefined

  readonly #worlds = new Map<number, WorldInfo>()
  readonly #cursors = new Map<BranchId, number>()
  readonly #bookmarks = new Map<BranchId, readonly number[]>()
  readonly #wantState: (at: { branch: BranchId; at: number }) => void

  constructor(client: SessionClient) {
    this.client = client
    this.#wantState = latest(async (at) => {
      try {
        const state = await client.call('state', at)
        if (this.branch?.branch !== state.branch) return
        this.state = state
        this.topics.tell('state')
      } catch (error) {
        this.fail(error)
      }
    })
    let { cursor } = this.player.getSnapshot().context
    this.player.subscribe(({ context }) => {
      this.topics.tell('play')
      if (context.cursor === cursor) return
      cursor = context.cursor
      this.#cursorMoved()
    })
    this.player.start()
    client.onEvent((event) => {
      if (event.kind === 'branch') this.#branchChanged(event.branch)
      else if (event.branch === this.branch?.branch) {
        this.branch = { ...this.branch, known: event.known }
        this.#readTruth(event.branch)
      }
    })
  }

  readonly #readTruth = latest(async (branch: BranchId) => {
    try {
      const { rows } = await this.client.call('truth', { branch })
      if (this.branch?.branch !== branch) return
      this.truth = rows
      this.topics.tell('index')
    } catch (error) {
      this.fail(error)
    }
  })

  /** Position of the cursor: the number of actions taken. */
  get at(): number {
    return this.player.getSnapshot().context.cursor
  }
  get length(): number {
    return this.player.getSnapshot().context.length
  }
  get playing(): boolean {
    return this.player.getSnapshot().value === 'playing'
  }

  /** Reads what can be run. */
  async begin(): Promise<void> {
    const { systems, knobs, faultKinds } = await this.client.call('systems', {})
    this.systems = systems
    this.knobs = knobs
    this.faultKinds = faultKinds
    this.topics.tell('gallery')
  }

  /** Opens a trace or a recording, or starts a run, and shows it; says why where that cannot be done. Resolves to whether it is open. */
  async open(source: Source, at?: number): Promise<boolean> {
    const opened = await this.long('opening', 'open', source)
    if (opened === undefined) return false
    this.failure = undefined
    this.topics.tell('failure')
    await this.#show(opened, at ?? opened.branch.violation?.at ?? 0)
    return true
  }

  async #show({ world, branch }: Pick<Opened, 'world' | 'branch'>, at: number): Promise<void> {
    this.#keepCursor()
    this.#worlds.set(world.id, world)
    if (this.world !== world) this.node = undefined
    this.world = world
    this.branch = branch
    this.state = undefined
    this.truth = []
    this.focus = noFocus
    this.bookmarks = this.#bookmarks.get(branch.branch) ?? []
    this.player.send({ type: 'opened', length: branch.length, cursor: at })
    this.topics.tell('run')
    this.#readTruth(branch.branch)
    this.#cursorMoved()
    await this.#readBranches()
  }

  /** Shows a branch that is there. Keeps the cursor where both branches have it, unless told otherwise. */
  async showBranch(id: BranchId, at = this.at): Promise<void> {
    const branch = this.branches.find((one) => one.branch === id)
    const world = branch && this.#worlds.get(branch.world)
    if (branch !== undefined && world !== undefined) await this.#show({ world, branch }, at)
  }

  /** Shows what a bend gave. The cursor goes to `at`, or stays. */
  async showBent({ branch, world }: Bent, at = this.at): Promise<void> {
    const grown = branch.branch === this.branch?.branch
    if (grown) {
      this.branch = branch
      this.player.send({ type: 'grown', length: branch.length })
      this.topics.tell('index')
      this.go(at)
      await this.#readBranches()
      return
    }
    const its = world ?? this.#worlds.get(branch.world)
    if (its !== undefined) await this.#show({ world: its, branch }, at)
  }

  async #readBranches(): Promise<void> {
    this.branches = await this.client.call('branches', {})
    this.topics.tell('branches')
  }

  #branchChanged(branch: BranchInfo): void {
    if (branch.branch === this.branch?.branch) {
      this.branch = branch
      if (branch.length !== this.length) this.player.send({ type: 'grown', length: branch.length })
      this.topics.tell('index')
    }
    this.branches = this.branches.some((one) => one.branch === branch.branch)
      ? this.branches.map((one) => (one.branch === branch.branch ? branch : one))
      : [...this.branches, branch]
    this.topics.tell('branches')
  }

  /** Leaves the run for the start page; the session keeps it. */
  leave(): void {
    this.#keepCursor()
    if (this.branch !== undefined && this.world !== undefined)
      this.left = { branch: this.branch.branch, title: `${this.world.system}, ${this.branch.title}` }
    this.world = undefined
    this.branch = undefined
    this.state = undefined
    this.player.send({ type: 'opened', length: 0, cursor: 0 })
    this.topics.tell('run')
  }

  #keepCursor(): void {
    if (this.branch !== undefined) this.#cursors.set(this.branch.branch, this.at)
  }
  /** Shows a branch again, with the cursor where it was; what is gone is told. */
  async back(id: BranchId): Promise<void> {
    if (this.branches.some((one) => one.branch === id)) await this.showBranch(id, this.#cursors.get(id) ?? 0)
    else this.say('that run is closed')
  }

  go(at: number): void {
    this.player.send({ type: 'go', cursor: at })
  }
  /** To the next or previous position of a kind. */
  async seek(target: SeekTarget, direction: 1 | -1, node?: number): Promise<void> {
    const { branch, at } = this
    if (branch === undefined) return
    const found = await this.try('seek', { branch: branch.branch, at, target, direction, node })
    if (found === undefined) return
    if (found.at !== null) this.go(found.at)
    else this.say(`no ${direction > 0 ? 'later' : 'earlier'} ${target === 'role' ? 'role change' : target}`)
  }
  #cursorMoved(): void {
    this.topics.tell('cursor')
    this.#selectAtCursor(this.at)
    if (this.branch !== undefined) this.#wantState({ branch: this.branch.branch, at: this.at })
  }

  /** Takes actions at a position and shows what comes of it. */
  async take(
    { branch, at }: { readonly branch: BranchId; readonly at: number },
    ...actions: readonly ActionRef[]
  ): Promise<void> {
    try {
      const bent = await this.client.call('take', { branch, at, actions })
      await this.showBent(bent, at + actions.length)
    } catch (error) {
      // A choice that is armed may still change nothing, as a poll of unchanged memory does: that is no failure.
      if (error instanceof SessionError && error.code === 'impossible') this.say(error.message)
      else this.fail(error)
    }
  }

  /** Emphasises this, and nothing that was emphasised before. */
  setFocus(focus: Partial<Focus>): void {
    this.focus = { ...noFocus, ...focus }
    this.topics.tell('focus')
  }
  clearFocus(): void {
    this.focus = noFocus
    this.topics.tell('focus')
  }
  /** Selects an action: what it depends on and what depends on it is highlighted. */
  async select(action: number): Promise<void> {
    const { branch } = this
    if (branch === undefined) return
    this.setFocus({ action })
    const cause = await this.try('causal', { branch: branch.branch, action })
    if (cause !== undefined && this.branch?.branch === branch.branch && this.focus.action === action)
      this.setFocus({ ...cause, action, past: new Set(cause.past), future: new Set(cause.future) })
  }
  /** What is highlighted belongs to the cursor: it goes where the cursor goes, and not at all while a run plays. */
  readonly #selectAtCursor = latest(async (at: number) => {
    if (this.focus.action < 0 || this.focus.action === at - 1) return
    if (at === 0 || this.playing) this.clearFocus()
    else await this.select(at - 1)
  })
  toggleBookmark(): void {
    const { branch, at } = this
    if (branch === undefined) return
    const others = this.bookmarks.filter((one) => one !== at)
    this.bookmarks = (others.length < this.bookmarks.length ? others : [...others, at]).sort((a, b) => a - b)
    this.#bookmarks.set(branch.branch, this.bookmarks)
    this.topics.tell('focus')
  }

  // ---- calls that may fail ------------------------------------------------------------------------------------------

  /** A call whose failure is told to the person; undefined then. */
  async try<M extends Method>(
    method: M,
    params: Methods[M]['params'],
  ): Promise<Methods[M]['result'] | undefined> {
    try {
      return await this.client.call(method, params)
    } catch (error) {
      this.fail(error)
      return undefined
    }
  }
  /** As `try`, for work of which one sees how far it is and which can be ended. */
  async long<M extends Method>(
    what: string,
    method: M,
    params: Methods[M]['params'],
    onProgress?: (progress: Methods[M]['progress']) => void,
  ): Promise<Methods[M]['result'] | undefined> {
    const controller = new AbortController()
    const cancel = (): void => {
      controller.abort()
    }
    const show = (done: number, total: number, doing = what): void => {
      this.busy = { what: doing, done, total, cancel }
      this.topics.tell('busy')
    }
    show(0, 0)
    try {
      return await this.client.call(method, params, {
        signal: controller.signal,
        onProgress: (progress) => {
          const { done, total, what: doing }: Progress & { readonly what?: string } = progress
          show(done, total, doing)
          onProgress?.(progress)
        },
      })
    } catch (error) {
      if (!controller.signal.aborted) this.fail(error)
      return undefined
    } finally {
      this.busy = undefined
      this.topics.tell('busy')
    }
  }
  /** Tells a failure; what mends it is told too. */
  fail(error: unknown): void {
    if (error instanceof SessionError && error.code === 'cancelled') return
    const message = error instanceof Error ? error.message : String(error)
    const field = error instanceof SessionError && error.field !== '' ? `${error.field}: ` : ''
    this.failure = { message: field + message, mend: error instanceof SessionError ? error.mend : '' }
    this.topics.tell('failure')
  }
  /** Words for the status line, which a screen reader reads out. */
  say(words: string): void {
    this.said = words
    this.topics.tell('failure')
  }
  said = ''
}
