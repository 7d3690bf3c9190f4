using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// The common part of the sockets that receive one message at a time: one pending receive, and the end of the socket. Public methods take the lock; callers
/// of the other methods hold it.
/// </summary>
/// <typeparam name="TMessage">The type of the messages.</typeparam>
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

    /// <summary>Throws if the socket has ended.</summary>
    protected void ThrowIfEnded()
    {
        if (FindEndReason() is { } error)
            throw error;
    }

    /// <summary>Completes the pending receive, because the socket has a message or an error.</summary>
    protected void AdvanceReceive()
    {
        if (_receive.IsPending)
            _receive.Advance();
    }

    /// <summary>Closes the socket, if there is one.</summary>
    protected abstract void CloseSocket();

    /// <summary>Drops the reference to a socket that is already closed.</summary>
    protected abstract void ForgetSocket();

    /// <summary>Receives the next message or error.</summary>
    /// <returns>Whether there was one.</returns>
    protected abstract bool TryReceive(Span<byte> buffer, [MaybeNullWhen(false)] out TMessage message, out Exception? error);

    private void FailReceive()
    {
        if (FindEndReason() is { } error)
            _receive.Fail(error);
    }

    private Exception? FindEndReason() =>
        _isDisposed ? new ObjectDisposedException(_socketName, "The socket is disposed.")
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

        protected override string BusyMessage => "A receive on this socket is pending. Await it before the next receive.";

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
