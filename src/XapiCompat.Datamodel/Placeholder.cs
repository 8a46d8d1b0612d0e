namespace XapiCompat.Datamodel;
