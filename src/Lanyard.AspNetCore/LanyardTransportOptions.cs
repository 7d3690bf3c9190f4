namespace Lanyard.AspNetCore;

/// <summary>How Kestrel's connections over virtual networks are served.</summary>
public sealed class LanyardTransportOptions
{
    /// <summary>How many connections may wait to be accepted. Default 512.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>How many received bytes may wait for the application before reading stops. Default 1 MiB; 0 sets no bound.</summary>
    public long MaxReadBufferBytes { get; set; } = 1024 * 1024;

    /// <summary>How many bytes of the application may wait to be sent before it is made to wait. Default 64 KiB; 0 sets no bound.</summary>
    public long MaxWriteBufferBytes { get; set; } = 64 * 1024;
}
