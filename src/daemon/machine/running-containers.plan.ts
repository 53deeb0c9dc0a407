/** A running container, as the engine lists it. */
export interface RunningContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: string;
  /** As Docker words it: `Up 5 minutes`. */
  readonly status: string;
}

/** An entry of `GET /containers/json`: https://docs.docker.com/reference/api/engine/ */
interface Listed {
  readonly Id: string;
  readonly Names?: readonly string[] | null | undefined;
  readonly Image?: string | undefined;
  readonly State?: string | undefined;
  readonly Status?: string | undefined;
}

export function runningContainer({
  Id,
  Names,
  Image = '',
  State = '',
  Status = '',
}: Listed): RunningContainer {
  const name = Names?.[0]?.replace(/^\//, '') ?? '';
  return { id: Id.slice(0, 12), name, image: Image, state: State, status: Status };
}
