/** How the host's storage account is reached: the same settings that the Functions host itself reads. */
export type StorageConfig =
  | { readonly kind: 'connectionString'; readonly connectionString: string }
  | {
      readonly kind: 'identity';
      readonly tableUri: string;
      readonly queueUri: string;
      readonly blobUri: string;
      /** Client id of the user-assigned identity; absent = system-assigned. */
      readonly clientId?: string;
    };
