// Vendure as its documentation starts it, with API keys for machines and amounts of any size; the first start fills it.
import {
    BigIntMoneyStrategy, bootstrap, ChannelService, configureDefaultOrderProcess, CurrencyCode, DefaultLogger,
    dummyPaymentHandler, GlobalSettingsService, InitialData, isGraphQlErrorResult, LanguageCode, LogLevel,
    PasswordHashingStrategy, RandomBytesApiKeyStrategy, RequestContextService, VendureConfig,
} from '@vendure/core';
import { createHash, timingSafeEqual } from 'node:crypto';
import { populateInitialData } from '@vendure/core/cli';

const { PORT, DATABASE, DATABASE_HOST, DATABASE_PORT, DATABASE_USER, DATABASE_PASSWORD } = process.env;

// A key is 256 random bits, so that a plain hash of it is safe. Vendure's own choice, bcrypt, takes a quarter of a second
// of the processor in every request.
class Sha256 implements PasswordHashingStrategy {
    async hash(plaintext: string) {
        return createHash('sha256').update(plaintext).digest('hex');
    }
    async check(plaintext: string, hash: string) {
        return timingSafeEqual(Buffer.from(await this.hash(plaintext)), Buffer.from(hash));
    }
}

const config: VendureConfig = {
    apiOptions: { hostname: '127.0.0.1', port: Number(PORT), adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
    authOptions: {
        tokenMethod: ['bearer', 'api-key'],
        adminApiKeyStrategy: new RandomBytesApiKeyStrategy({ hashingStrategy: new Sha256(), lastUsedAtUpdateInterval: 60_000 }),
        superadminCredentials: { identifier: 'superadmin', password: 'superadmin' },
        requireVerification: false,
    },
    dbConnectionOptions: {
        type: 'postgres', synchronize: true, logging: false, database: DATABASE, host: DATABASE_HOST,
        port: Number(DATABASE_PORT), username: DATABASE_USER, password: DATABASE_PASSWORD,
    },
    entityOptions: { moneyStrategy: new BigIntMoneyStrategy() },
    orderOptions: { process: [configureDefaultOrderProcess({ arrangingPaymentRequiresShipping: false, arrangingPaymentRequiresStock: false })] },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    logger: new DefaultLogger({ level: LogLevel.Warn }),
};

const initialData: InitialData = {
    defaultLanguage: LanguageCode.de,
    defaultZone: 'Europe',
    countries: [{ name: 'Deutschland', code: 'DE', zone: 'Europe' }, { name: 'France', code: 'FR', zone: 'Europe' }],
    taxRates: [{ name: 'Standard Tax', percentage: 19 }],
    shippingMethods: [{ name: 'Spedition', price: 500 }],
    paymentMethods: [{
        name: 'Rechnung',
        handler: { code: dummyPaymentHandler.code, arguments: [{ name: 'automaticSettle', value: 'false' }] },
    }],
    collections: [],
};

const app = await bootstrap(config);
const channels = app.get(ChannelService);
const channel = await channels.getDefaultChannel();
if (!channel.defaultTaxZone) {
    await populateInitialData(app, initialData);
    const context = await app.get(RequestContextService).create({ apiType: 'admin' });
    await app.get(GlobalSettingsService).updateSettings(context, { availableLanguages: [LanguageCode.de, LanguageCode.en] });
    const updated = await channels.update(context, {
        id: channel.id,
        availableLanguageCodes: [LanguageCode.de, LanguageCode.en],
        defaultLanguageCode: LanguageCode.de,
        availableCurrencyCodes: [CurrencyCode.EUR, CurrencyCode.CHF],
        defaultCurrencyCode: CurrencyCode.EUR,
        pricesIncludeTax: false,
    });
    if (isGraphQlErrorResult(updated)) {
        throw new Error(updated.message);
    }
}
console.log('Vendure is ready.');
