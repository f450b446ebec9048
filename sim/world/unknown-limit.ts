/** A limit that names nothing that a system does. */
export class UnknownLimit extends RangeError {
  constructor(
    readonly limit: string,
    readonly known: readonly string[],
  ) {
    super(
      `there is nothing to limit by the name ${limit}; there is ${known.join(', ')}, and each site by its name in traces`,
    )
  }
}
