export const PACKAGES: Readonly<Record<string, readonly string[]>>;
export function debianPackage(programOrFile: string): string | undefined;
