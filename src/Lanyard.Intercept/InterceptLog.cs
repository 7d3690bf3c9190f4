using Microsoft.Extensions.Logging;

namespace Lanyard.Intercept;

/// <summary>What the intercept's service says in logs.</summary>
internal static partial class InterceptLog
{
    [LoggerMessage(1, LogLevel.Warning, "A program cannot be served at present, which is tried again: {Reason}")]
    public static partial void NotAccepted(ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Error, "What a program asked for failed at an unexpected place; others are served. Please report this.")]
    public static partial void RequestFailed(ILogger logger, Exception failure);
}
