import { z } from 'zod';

/** Text from the engine is shown to people: bounded, because the guest is not trusted. */
const text = z.string().max(1_000);

/** `GET /version`, the part that mobyvm shows; more is kept as it is. Engine API 1.24 and later. */
export const engineVersionSchema = z.looseObject({
  Version: text,
  ApiVersion: text,
  MinAPIVersion: text.optional(),
  Os: text.optional(),
  Arch: text.optional(),
  KernelVersion: text.optional(),
});
export type EngineVersion = z.infer<typeof engineVersionSchema>;

/** `GET /info`, the part that mobyvm shows; more is kept as it is. */
export const engineInfoSchema = z.looseObject({
  ServerVersion: text,
  OperatingSystem: text.optional(),
  KernelVersion: text.optional(),
  Driver: text.optional(),
  NCPU: z.int().nonnegative().optional(),
  /** In bytes. */
  MemTotal: z.int().nonnegative().optional(),
  Containers: z.int().nonnegative().optional(),
  ContainersRunning: z.int().nonnegative().optional(),
  Images: z.int().nonnegative().optional(),
});
export type EngineInfo = z.infer<typeof engineInfoSchema>;

/** The body of every error answer. */
export const engineErrorSchema = z.looseObject({ message: text });

/** `GET /containers/json`: what running containers publish. */
export const containerListSchema = z.array(
  z.looseObject({
    Id: text,
    Names: z.array(text).nullish(),
    Ports: z
      .array(
        z.looseObject({
          /** Absent, like PublicPort, for a port that is exposed only. */
          IP: text.optional(),
          PrivatePort: z.int(),
          PublicPort: z.int().optional(),
          Type: text,
        }),
      )
      .nullish(),
  }),
);
export type ContainerList = z.infer<typeof containerListSchema>;
