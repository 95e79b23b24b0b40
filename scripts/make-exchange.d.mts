export declare function makeExchange(architecture: "x86_64" | "aarch64"): Buffer;
