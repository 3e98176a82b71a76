// From the file of the schema, or from a gateway that runs, whose address is in the environment.

module.exports = {
  schema: process.env.SCHEMA_URL ?? '../../schema/schema.graphql',
  documents: ['codegen/documents.ts'],
  generates: {
    'codegen/generated/': {
      preset: 'client',
      config: {
        strictScalars: true,
        useTypeImports: true,
        enumsAsTypes: true,
        emitLegacyCommonJSImports: false,
        scalars: {
          CurrencyCode: 'string',
          DateTime: 'string',
          Decimal: 'string',
          EmailAddress: 'string',
          Locale: 'string',
          PhoneNumber: 'string',
          URL: 'string',
        },
      },
    },
  },
};
