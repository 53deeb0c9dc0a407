import { describe, expect, it } from 'vitest';
import { pathPattern } from '../../../../../src/proxy/engine/api/path-pattern.plan.js';
import { encodePath, routeOf } from '../../../../../src/proxy/engine/api/routes.plan.js';

describe('a route', () => {
  it.each([
    ['POST', '/containers/create?name=web', { request: 'container' }],
    ['POST', '/v1.24/containers/create', { request: 'container' }],
    ['POST', '/v1.56/containers/create', { request: 'container' }],
    ['POST', '/v1.22/containers/web/start', { request: 'container', startsContainer: 'web' }],
    ['POST', '/v1.43/containers/c0ffee/restart?t=1', { startsContainer: 'c0ffee' }],
    ['GET', '/v1.43/containers/json?all=1', { response: 'containers' }],
    ['GET', '/v1.43/containers/web/json?size=0', { response: 'container' }],
    ['POST', '/v1.43/services/x/update?version=3', { request: 'spec' }],
    ['GET', '/v1.43/volumes/x', { response: 'volume' }],
    ['POST', '/v1.43/plugins/vieux/sshfs:latest/set', { request: 'settings' }],
    ['GET', '/v1.43/system/df', { response: 'usage' }],
    ['GET', '/v1.43/containers/create', undefined],
    ['GET', '/v1.43/containers/web/logs?follow=1', undefined],
    ['POST', '/v1.43/containers/web/attach', undefined],
    ['POST', '/v1.43/build?remote=containers/create', undefined],
    ['GET', '/v1.43/events', undefined],
    ['GET', '/vx/containers/json', undefined],
    ['POST', '*', undefined],
    // The engine serves these as the plain path, or redirects to it.
    ['POST', 'http://d/v1.43/containers/create', { request: 'container' }],
    ['POST', 'HTTP://u:p@d:1/containers/create?x=//', { request: 'container' }],
    ['POST', 'http:/containers/create', { request: 'container' }],
    ['POST', 'http:///containers/create', { request: 'container' }],
    ['POST', 'foo://d//containers/create', { request: 'container' }],
    ['POST', '/v1.43/%63ontainers/create', { request: 'container' }],
    ['POST', '/containers%2Fcreate', { request: 'container' }],
    ['POST', '/%76%31.41/containers/create', { request: 'container' }],
    ['POST', '//v1.43//containers//create', { request: 'container' }],
    ['POST', '/./x/../containers/%2e/create', { request: 'container' }],
    ['POST', '/v01.41.2/containers/create', { request: 'container' }],
    ['POST', '/containers/a%2fb/start', { request: 'container', startsContainer: 'a/b' }],
    ['POST', '/containers/%C3%A9/restart', { startsContainer: '\u00c3\u00a9' }],
    // And these not.
    ['POST', '/containers/create/', undefined],
    ['POST', '/V1.43/containers/create', undefined],
    ['POST', '/containers/%zz/create', undefined],
    ['POST', 'http:containers/create', undefined],
    ['POST', '/containers/create%3Fx', undefined],
    ['post', '/containers/create', undefined],
  ])('%s %s is %j', (method, target, route) => {
    expect(routeOf(method, target)).toEqual(route);
  });
});

it('a container is named to the engine in a form that cannot leave its place', () => {
  expect(encodePath('a b/../\u00c3?x#\r\n')).toBe('a%20b/../%c3%3fx%23%0d%0a');
});

describe('a path in the log', () => {
  it.each([
    ['/_ping', '/_ping'],
    ['/v1.43/containers/secret-name/json?x=y', '/containers/{id}/json'],
    ['/containers/json?all=1', '/containers/json'],
    ['/v1.43/images/registry.corp/team/app:1/push', '/images/{id}/push'],
    ['/v1.43/exec/c0ffee/start', '/exec/{id}/start'],
    ['/secret', '/…'],
    ['http://x/secret', '/…'],
    ['*', '/…'],
  ])('%s is %s', (target, pattern) => {
    expect(pathPattern(target)).toBe(pattern);
  });
});
