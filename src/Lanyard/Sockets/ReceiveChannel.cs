using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// What the sockets that receive one message at a time have in common: one receive that waits, and an end. Public methods enter the gate themselves,
/// the others are called under it.
/// </summary>
/// <typeparam name="TMessage">What is received.</typeparam>
internal abstract class ReceiveChannel<TMessage> : IPortUser
{
    private readonly ReceiveOperation _receive;
    private readonly string _socketName;
    private bool _isAddressGone;
    private bool _isDisposed;

    protected ReceiveChannel(NetworkPort port, string socketName)
    {
        Port = port;
        _socketName = socketName;
        _receive = new ReceiveOperation(this);
    }

    public NetworkPort Port { get; }

    bool IPortUser.IsFinishing => false;

    /// <summary>Whether the socket exists.</summary>
    protected abstract bool HasSocket { get; }

    /// <summary>The local endpoint.</summary>
    public InetEndpoint LocalEndpoint { get; protected init; }

    public ValueTask<TMessage> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new ValueTask<TMessage>(Task.FromCanceled<TMessage>(cancellationToken));
        using (Hold())
        {
            _receive.ThrowIfBusy();
            if (TryFinish(buffer.Span, out var message, out var error))
            {
                return error is null
                    ? new ValueTask<TMessage>(message) : new ValueTask<TMessage>(Task.FromException<TMessage>(error));
            }

            _receive.Begin(buffer);
        }

        return _receive.Issue(cancellationToken);
    }

    public void Dispose()
    {
        using (Hold())
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            CloseSocket();
            Port.RemoveUser(this);
            FailReceive();
        }
    }

    public void OnPortLeft()
    {
        ForgetSocket();
        FailReceive();
    }

    /// <summary>Ends the socket because its address no longer belongs to this node.</summary>
    protected void OnAddressGone()
    {
        _isAddressGone = true;
        OnPortLeft();
    }

    protected GateHold Hold() => new(Port.Runtime);

    /// <summary>Throws where the socket cannot be used.</summary>
    protected void ThrowIfEnded()
    {
        if (FindEndReason() is { } error)
            throw error;
    }

    /// <summary>The socket has something to receive, or an error.</summary>
    protected void AdvanceReceive()
    {
        if (_receive.IsPending)
            _receive.Advance();
    }

    /// <summary>Closes the socket, if there is one.</summary>
    protected abstract void CloseSocket();

    /// <summary>Drops the reference to a socket that is already closed.</summary>
    protected abstract void ForgetSocket();

    /// <summary>Takes the next message, or error.</summary>
    /// <returns>Whether there was one.</returns>
    protected abstract bool TryReceive(Span<byte> buffer, [MaybeNullWhen(false)] out TMessage message, out Exception? error);

    private void FailReceive()
    {
        if (FindEndReason() is { } error)
            _receive.Fail(error);
    }

    private Exception? FindEndReason() =>
        _isDisposed ? new ObjectDisposedException(_socketName, "The socket was disposed of.")
        : Port.IsLeft ? Port.Owner.Errors.Left()
        : _isAddressGone ? SocketErrors.AddressGone(LocalEndpoint, Port)
        : !HasSocket ? Port.Owner.Errors.Left()
        : null;

    private bool TryFinish(Span<byte> buffer, [MaybeNullWhen(false)] out TMessage message, out Exception? error)
    {
        message = default;
        error = FindEndReason();
        return error is not null || TryReceive(buffer, out message, out error);
    }

    private sealed class ReceiveOperation(ReceiveChannel<TMessage> channel) : Operation<TMessage>(channel.Port.Runtime)
    {
        private Memory<byte> _buffer;

        protected override string BusyMessage => "A receive on this socket is under way: await it before the next.";

        public void Begin(Memory<byte> buffer)
        {
            Begin();
            _buffer = buffer;
        }

        public void Advance()
        {
            if (!channel.TryFinish(_buffer.Span, out var message, out var error))
                return;
            if (error is null)
                Finish(message!);
            else
                Fail(error);
        }

        protected override void Release() => _buffer = default;
    }
}
