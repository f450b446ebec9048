export interface Step {
  readonly client: number
  readonly words: readonly string[]
}
export const corpora: Readonly<Record<string, () => readonly Step[]>>
export function endOfReply(text: string, at?: number): number
