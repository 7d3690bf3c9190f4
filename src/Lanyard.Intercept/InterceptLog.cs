using Microsoft.Extensions.Logging;

namespace Lanyard.Intercept;

/// <summary>The log events of the intercept server.</summary>
internal static partial class InterceptLog
{
    [LoggerMessage(1, LogLevel.Warning, "Could not accept programs' requests; retrying: {Reason}")]
    public static partial void NotAccepted(ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Error, "Unhandled internal error in a program's request; other programs are served. Please report this.")]
    public static partial void RequestFailed(ILogger logger, Exception failure);
}
