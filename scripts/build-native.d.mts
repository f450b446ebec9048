/** Types of what the tests use of `build-native.mjs`. */
export declare function buildProgram(
  name: string,
  ownSources: readonly string[],
  variant: 'release' | 'sanitized',
): Promise<string>
