using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lanyard.Intercept.Linux;

/// <summary>An epoll instance, which waits for any number of descriptors (<c>epoll(7)</c>).</summary>
internal sealed unsafe partial class EventPoll : IDisposable
{
    private const int AddOperation = 1;
    private const int RemoveOperation = 2;
    private const int MaxEvents = 64;

    // struct epoll_event is packed only on x86-64.
    private static readonly int s_eventBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private readonly int _poll;

    /// <summary>Creates the epoll instance.</summary>
    /// <exception cref="IOException">The system cannot create an epoll instance.</exception>
    public EventPoll()
    {
        _poll = Create(Libc.CloseOnExec);
        if (_poll < 0)
            throw new IOException($"epoll_create1 failed with error {Libc.Error}.");
    }

    /// <summary>Adds a descriptor. Returns false if epoll does not support the descriptor.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="events">The awaited event: <see cref="Libc.PollIn"/> or <see cref="Libc.PollOut"/>.</param>
    /// <param name="key">The key that <see cref="Wait(int)"/> returns for the descriptor.</param>
    public bool Add(int descriptor, int events, ulong key) => Add(_poll, descriptor, (uint)events, key);

    /// <summary>Adds a descriptor to an epoll set of a program. Returns false if epoll does not support the descriptor.</summary>
    /// <param name="set">The descriptor of the epoll set.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="events">The events and flags of <c>epoll_ctl(2)</c>.</param>
    /// <param name="data">The program's own data.</param>
    public static bool Add(int set, int descriptor, uint events, ulong data)
    {
        var change = stackalloc byte[16];
        Unsafe.WriteUnaligned(change, events);
        Unsafe.WriteUnaligned(change + s_eventBytes - sizeof(ulong), data);
        return Change(set, AddOperation, descriptor, change) == 0;
    }

    /// <summary>Removes a descriptor.</summary>
    public void Remove(int descriptor)
    {
        var unused = stackalloc byte[16];
        _ = Change(_poll, RemoveOperation, descriptor, unused);
    }

    /// <summary>Waits until descriptors are ready or the time has passed. Returns the key and the events of each ready descriptor.</summary>
    public (ulong Key, int Found)[] Wait(int timeoutMs)
    {
        var events = stackalloc byte[MaxEvents * 16];
        var found = new (ulong, int)[Math.Max(0, Wait(_poll, events, MaxEvents, timeoutMs))];
        for (var i = 0; i < found.Length; i++)
        {
            found[i] = (Unsafe.ReadUnaligned<ulong>(events + (i * s_eventBytes) + s_eventBytes - sizeof(ulong)), Unsafe.ReadUnaligned<int>(events + (i * s_eventBytes)));
        }

        return found;
    }

    public void Dispose() => _ = Libc.Close(_poll);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int Change(int poll, int operation, int descriptor, byte* change);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int Wait(int poll, byte* events, int count, int timeoutMs);
}
