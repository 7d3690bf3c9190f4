using Lanyard.Engine;

namespace Lanyard;

/// <summary>
/// The engine's access to a node's store. Reads are synchronous. Writes run on the thread pool, one after the other, so that no file is written while the
/// node's lock is held. Failed reads and writes are logged.
/// </summary>
internal sealed class StateKeeper
{
    private readonly object _lock = new();
    private readonly ILanyardStore _store;
    private readonly EventQueue _events;
    private readonly HashSet<string> _peers;

    // The pending writes by name; null deletes the value.
    private readonly Dictionary<string, byte[]?> _waiting = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private Task _writer = Task.CompletedTask;

    public StateKeeper(ILanyardStore store, EventQueue events)
    {
        _store = store;
        _events = events;
        _peers = new HashSet<string>(store.List(StateNames.PeerFolder), StringComparer.Ordinal);
    }

    public byte[]? Load(StateKind kind, ulong id)
    {
        var name = StateNames.Of(kind, id);
        lock (_lock)
        {
            if (_waiting.TryGetValue(name, out var value))
                return value;
            // Strangers can make the engine look for peers, so this needs no file access.
            if (kind == StateKind.Peer && !_peers.Contains(name))
                return null;
        }

        return Load(name);
    }

    public byte[]? Load(string name)
    {
        lock (_lock)
        {
            if (_waiting.TryGetValue(name, out var value))
                return value;
        }

        try
        {
            return _store.Load(name);
        }
        catch (LanyardException e)
        {
            _events.Log(logger => Log.LoadFailed(logger, name, e));
            return null;
        }
    }

    public IReadOnlyList<string> List(string folder) => _store.List(folder);

    public void Save(StateKind kind, ulong id, ReadOnlySpan<byte> state)
    {
        var name = StateNames.Of(kind, id);
        if (kind == StateKind.Peer)
        {
            lock (_lock)
                _peers.Add(name);
        }

        Enqueue(name, state.ToArray());
    }

    public void Save(string name, ReadOnlySpan<byte> state) => Enqueue(name, state.ToArray());

    public void Delete(string name)
    {
        lock (_lock)
            _peers.Remove(name);
        Enqueue(name, null);
    }

    /// <summary>Returns the addresses of the stored peers.</summary>
    public IReadOnlyList<ulong> ListPeers()
    {
        lock (_lock)
            return [.. _peers.Select(name => StateNames.TryParsePeer(name, out var address) ? address : 0).Where(address => address != 0)];
    }

    /// <summary>Returns a task that completes when all pending writes are done.</summary>
    public Task FlushAsync()
    {
        lock (_lock)
            return _writer;
    }

    private void Enqueue(string name, byte[]? value)
    {
        lock (_lock)
        {
            var isWaiting = _waiting.ContainsKey(name);
            _waiting[name] = value;
            if (isWaiting)
                return;
            _order.Enqueue(name);
            if (_order.Count == 1)
                _writer = Task.Run(WriteAll);
        }
    }

    private void WriteAll()
    {
        while (true)
        {
            string name;
            byte[]? value;
            lock (_lock)
            {
                name = _order.Peek();
                value = _waiting[name];
            }

            try
            {
                if (value is null)
                    _store.Delete(name);
                else
                    _store.Save(name, value);
            }
#pragma warning disable CA1031 // An application's store may throw any exception. The remaining values must still be written.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _events.Log(logger => Log.SaveFailed(logger, name, e));
            }

            lock (_lock)
            {
                // The value has changed meanwhile, so it is written again.
                if (!ReferenceEquals(_waiting[name], value))
                    continue;
                _waiting.Remove(name);
                _order.Dequeue();
                if (_order.Count == 0)
                    return;
            }
        }
    }
}
