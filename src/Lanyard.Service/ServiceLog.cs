using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>Everything that the service logs.</summary>
internal static partial class ServiceLog
{
    [LoggerMessage(101, LogLevel.Information, "The API is at TCP port {Port} of {Addresses}.")]
    public static partial void ApiStarted(ILogger logger, int port, string addresses);

    [LoggerMessage(102, LogLevel.Warning, "{Setting}. What '{File}' says of it has no effect.")]
    public static partial void SettingWithoutEffect(ILogger logger, string setting, string file);

    [LoggerMessage(103, LogLevel.Information, "'{File}' was read again.")]
    public static partial void ConfigurationRead(ILogger logger, string file);

    [LoggerMessage(104, LogLevel.Error, "What was in force stays: {Message}")]
    public static partial void ConfigurationRefused(ILogger logger, string message);

    [LoggerMessage(105, LogLevel.Warning, "{Settings}: the change takes effect at the next start of the service.")]
    public static partial void NextStart(ILogger logger, string settings);

    [LoggerMessage(106, LogLevel.Error, "The API could not be opened anew for another setting of allowManagementFrom.")]
    public static partial void ApiNotReopened(ILogger logger, Exception exception);

    [LoggerMessage(107, LogLevel.Error, "The service's settings could not be put into force.")]
    public static partial void ConfigurationFailed(ILogger logger, Exception exception);

    [LoggerMessage(108, LogLevel.Information, "Changes of '{File}' are noticed late: the system does not tell of them. SIGHUP has it read at once.")]
    public static partial void NotWatched(ILogger logger, string file, Exception exception);

    [LoggerMessage(109, LogLevel.Warning, "In '{File}', {Setting}, as existing nodes read it.")]
    public static partial void SettingAdjusted(ILogger logger, string setting, string file);

    [LoggerMessage(110, LogLevel.Error, "Left '{File}' when taking over controller.d: {Reason} If the record is needed, make it through the API.")]
    public static partial void RecordLeft(ILogger logger, string file, string reason);

    [LoggerMessage(111, LogLevel.Warning, "'{File}' was empty. It holds a new token now.")]
    public static partial void TokenMade(ILogger logger, string file);

    [LoggerMessage(112, LogLevel.Warning, "Using {Count} trusted paths of '{OldFile}', which is read at the start only. Put them into '{File}', as physical.NETWORK.trustedPathId.")]
    public static partial void OldTrustedPaths(ILogger logger, int count, string oldFile, string file);
}
