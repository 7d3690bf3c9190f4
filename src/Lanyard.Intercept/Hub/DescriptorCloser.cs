using System.Collections.Concurrent;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Closes descriptors that programs handed in. A program may have closed its own meanwhile, and then this is the end of the socket, for which the system may
/// have the closer wait (<c>SO_LINGER</c>): that is a thread's of its own to wait.
/// </summary>
internal sealed class DescriptorCloser : IDisposable
{
    // More of them is mischief, and what it would wait for is dropped.
    private const int MaxLingering = 256;

    private readonly BlockingCollection<SocketDescriptor> _lingering = new(MaxLingering);
    private Thread? _thread;

    public void Close(SocketDescriptor? descriptor)
    {
        if (descriptor is null)
            return;
        if (!descriptor.IsLingering)
        {
            descriptor.Dispose();
            return;
        }

        if (Volatile.Read(ref _thread) is null)
        {
            var thread = new Thread(CloseAll) { IsBackground = true, Name = "Lanyard lingering sockets" };
            if (Interlocked.CompareExchange(ref _thread, thread, null) is null)
                thread.Start();
        }

        try
        {
            if (_lingering.TryAdd(descriptor))
                return;
        }
        catch (InvalidOperationException)
        {
            // It is over: nobody waits for anything here any more.
        }

        descriptor.StopLingering();
        descriptor.Dispose();
    }

    public void Dispose() => _lingering.CompleteAdding();

    private void CloseAll()
    {
        foreach (var descriptor in _lingering.GetConsumingEnumerable())
            descriptor.Dispose();
    }
}
