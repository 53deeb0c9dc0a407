export { loadCertificates, type CertificateStoreOptions, type MachineCertificates } from './store.js';
