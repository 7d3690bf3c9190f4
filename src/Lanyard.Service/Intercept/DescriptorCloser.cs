using System.Collections.Concurrent;

namespace Lanyard.Service.Intercept;

/// <summary>
/// Closes descriptors that programs handed in. A program may have closed its own meanwhile, and then this is the end of the socket, for which the system may
/// have the closer wait (<c>SO_LINGER</c>): that is a thread's of its own to wait.
/// </summary>
internal sealed class DescriptorCloser : IDisposable
{
    private readonly BlockingCollection<SocketDescriptor> _lingering = new(new ConcurrentQueue<SocketDescriptor>());
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
            _lingering.Add(descriptor);
        }
        catch (InvalidOperationException)
        {
            // It is over: nobody waits for anything here any more.
            descriptor.Dispose();
        }
    }

    public void Dispose() => _lingering.CompleteAdding();

    private void CloseAll()
    {
        foreach (var descriptor in _lingering.GetConsumingEnumerable())
            descriptor.Dispose();
    }
}
