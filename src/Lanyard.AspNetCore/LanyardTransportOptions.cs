namespace Lanyard.AspNetCore;

/// <summary>The options of Kestrel's connections over virtual networks.</summary>
public sealed class LanyardTransportOptions
{
    /// <summary>The maximum number of connections that are queued to be accepted. Default 512.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>The number of received bytes that are buffered before reading stops. Default 1 MiB; 0 for no limit.</summary>
    public long MaxReadBufferBytes { get; set; } = 1024 * 1024;

    /// <summary>The number of bytes to send that are buffered before the application must wait. Default 64 KiB; 0 for no limit.</summary>
    public long MaxWriteBufferBytes { get; set; } = 64 * 1024;
}
