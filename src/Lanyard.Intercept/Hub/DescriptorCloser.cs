using System.Collections.Concurrent;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Closes the descriptors that accompany requests. If the program has closed its own descriptor in the meantime, this closes the socket, which may block
/// (<c>SO_LINGER</c>), so lingering sockets are closed on a separate thread.
/// </summary>
internal sealed class DescriptorCloser : IDisposable
{
    // Beyond the limit, sockets are closed without lingering.
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
            // The server has stopped.
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
