import { expect } from 'chai';
import type { Command } from './command.js';
import { commandHelp, overviewHelp } from './help.js';
import { resolveMethod } from './method-name.js';
import { parseInvocation } from './parse.js';
import { textTable } from './text-table.js';

const paths = [
  'meshmart.order.v1.OrderService/GetOrder',
  'meshmart.cart.v1.CartService/GetCart',
  'meshmart.users.v1.UsersService/GetUser',
  'other.cart.v1.CartService/GetCart',
];
const command: Command = {
  name: 'greet',
  summary: 'Say hello.',
  usage: 'NAME [OPTIONS]',
  options: {
    loud: { type: 'boolean', short: 'l', about: 'Shout.' },
    times: { type: 'string', value: 'N', about: 'How often. Default 1.' },
  },
  examples: ['meshmart greet Ada --loud'],
  run: async () => 0,
};

describe('a method on the command line', () => {
  it('is found by its full path and by any suffix that only one method has', () => {
    for (const wanted of [
      'meshmart.order.v1.OrderService/GetOrder',
      '/meshmart.order.v1.OrderService/GetOrder',
      'OrderService/GetOrder',
      'OrderService.GetOrder',
      'GetOrder',
    ]) {
      expect(resolveMethod(wanted, paths), wanted).to.equal('meshmart.order.v1.OrderService/GetOrder');
    }
  });

  it('is refused when it could be several, with their names', () => {
    expect(() => resolveMethod('GetCart', paths)).to.throw(
      /could be meshmart\.cart.* or other\.cart.*: write more of its name/,
    );
  });

  it('is refused when there is none, with methods of a similar name', () => {
    expect(() => resolveMethod('getuser', paths)).to.throw(
      /did you mean meshmart\.users\.v1\.UsersService\/GetUser/,
    );
    expect(() => resolveMethod('Order', paths)).to.throw(/there is no method 'Order'/);
  });
});

describe('a command line', () => {
  it('gives arguments, switches and values', () => {
    const invocation = parseInvocation(['greet', 'Ada', '-l', '--times', '3'], [command]);
    expect(invocation.kind === 'run' && invocation.args.positionals).to.deep.equal(['Ada']);
    expect(invocation.kind === 'run' && { ...invocation.args.values }).to.deep.equal({
      loud: true,
      times: '3',
    });
  });

  it('shows help where it is asked for', () => {
    expect(parseInvocation([], [command])).to.deep.include({ kind: 'help' });
    expect(parseInvocation(['greet', '--help'], [command])).to.deep.equal({ kind: 'help', command });
    expect(overviewHelp([command])).to.contain('greet  Say hello.');
    expect(commandHelp(command))
      .to.contain('-l, --loud')
      .and.contain('--times N')
      .and.contain('meshmart greet Ada --loud');
  });

  it('is refused with one sentence for an unknown command or option', () => {
    expect(() => parseInvocation(['gret'], [command])).to.throw(
      "meshmart has no command 'gret': use one of greet",
    );
    expect(() => parseInvocation(['greet', '--quiet'], [command])).to.throw(
      /--quiet.*see meshmart greet --help/,
    );
  });
});

describe('a table of text', () => {
  it('has columns as wide as their widest cell and no space at the end', () => {
    expect(
      textTable(
        ['a', 'b'],
        [
          ['long', ''],
          ['x', 'y'],
        ],
      ),
    ).to.equal('a     b\nlong\nx     y\n');
  });
});
