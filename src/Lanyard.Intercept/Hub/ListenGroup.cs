using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>A virtual port where programs listen: usually one socket, several where they share it (<c>SO_REUSEPORT</c>). Under the lock of <see cref="SocketTable"/>.</summary>
/// <param name="local">The address and port.</param>
/// <param name="owner">Whose it is, and the one network that it is open on.</param>
/// <param name="backlog">How many connections wait to be accepted, at most.</param>
internal sealed class ListenGroup(InetEndpoint local, SocketOwner owner, int backlog) : IDisposable
{
    private readonly List<ProgramSocket> _members = [];
    // Null: it is being opened.
    private readonly Dictionary<LanyardNetwork, LanyardListener?> _listeners = [];
    private bool _isDisposed;
    private int _next;

    public InetEndpoint Local { get; } = local;

    public SocketOwner Owner { get; } = owner;

    public int Backlog { get; } = backlog;

    public int Count => _members.Count;

    public void Add(ProgramSocket member) => _members.Add(member);

    public void Remove(ProgramSocket member) => _members.Remove(member);

    /// <summary>Says that the port is being opened on a network. False where it is, or is open, or is not for it.</summary>
    public bool TryBegin(LanyardNetwork network)
    {
        var isAnywhere = Local.Address.Family == InetFamily.None || Local.Address.IsUnspecified;
        return !_isDisposed && (isAnywhere || network.Addresses.Any(own => own.Address == Local.Address)) && _listeners.TryAdd(network, null);
    }

    /// <summary>The port is open on a network. False where nobody listens any more: the listener is the caller's to close.</summary>
    public bool TryAdd(LanyardNetwork network, LanyardListener listener)
    {
        if (!_isDisposed)
            _listeners[network] = listener;
        return !_isDisposed;
    }

    /// <summary>The port is not open there, or not any more.</summary>
    public void Forget(LanyardNetwork network) => _listeners.Remove(network);

    /// <summary>The socket whose turn it is; null where there is none any more.</summary>
    public ProgramSocket? Next() => _members.Count == 0 ? null : _members[_next++ % _members.Count];

    public void Dispose()
    {
        _isDisposed = true;
        foreach (var listener in _listeners.Values)
            listener?.Dispose();
    }
}
